/** The other thread of folder-loader.ts: one folder, and it ends. */
import { parentPort, workerData } from "node:worker_threads";
import { ACTIONS } from "../activities/actions.ts";
import { packInventory } from "../catalogue/inventory-pack.ts";
import { loadSnapshot } from "../catalogue/load.ts";
import type { FolderReply, FolderRequest } from "./folder-loader.ts";

const { snapshot, lastGood } = workerData as FolderRequest;
const { catalogue, problems, teams } = loadSnapshot(snapshot, { actions: ACTIONS, lastGood });
const reply: FolderReply = {
  loaded: { problems, teams },
  made: catalogue && {
    version: catalogue.version,
    content: JSON.stringify(catalogue.content),
    inventory: JSON.stringify(packInventory(catalogue.inventory)),
  },
};
parentPort?.postMessage(reply);
