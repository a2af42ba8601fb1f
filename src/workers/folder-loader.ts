/**
 * Loads a configuration folder without holding up the process that answers meanwhile: a large one is parsed, checked and
 * indexed in a thread that ends with it. A small one is done here in less time than a thread needs to start.
 */
import { Worker } from "node:worker_threads";
import { ACTIONS } from "../activities/actions.ts";
import { catalogueFromContent, type Catalogue, type Content } from "../catalogue/catalogue.ts";
import { bytesOf, type Snapshot } from "../catalogue/folder.ts";
import { unpackInventory, type PackedInventory } from "../catalogue/inventory-pack.ts";
import { loaderOf, type Loaded, type Loader } from "../catalogue/load.ts";
import type { Json } from "../contracts/json.ts";

export interface FolderRequest {
  snapshot: Snapshot;
  lastGood: Content | null;
}

export interface FolderReply {
  loaded: Omit<Loaded, "catalogue">;
  /** null: no catalogue comes of it. JSON as text: that is received ten times as fast as the same as objects. */
  made: { version: string; content: string; inventory: string } | null;
}

/** About 100 ms of parsing. */
const SMALL_BYTES = 128 * 1024;

export function folderLoader(): Loader {
  const here = loaderOf({ actions: ACTIONS });
  return (snapshot, lastGood) =>
    bytesOf(snapshot) <= SMALL_BYTES ? here(snapshot, lastGood) : apart(snapshot, lastGood);
}

async function apart(snapshot: Snapshot, lastGood: Content | null): Promise<Loaded> {
  // Of the last good content the runbooks alone are asked for.
  const { loaded, made } = await answerTo({ snapshot, lastGood: lastGood && { ...lastGood, inventory: {} } });
  return { ...loaded, catalogue: made && unpack(made) };
}

function answerTo(request: FolderRequest): Promise<FolderReply> {
  const thread = new Worker(new URL("./folder-thread.ts", import.meta.url), { workerData: request });
  return new Promise<FolderReply>((resolve, reject) => {
    thread.on("message", resolve);
    thread.on("error", reject);
    thread.on("exit", (code) => reject(new Error(`the thread that loads the folder ended with ${code}`)));
  });
}

function unpack({ version, content, inventory }: NonNullable<FolderReply["made"]>): Catalogue {
  const indexed = unpackInventory(JSON.parse(inventory) as PackedInventory);
  return catalogueFromContent(JSON.parse(content) as Json, version, ACTIONS, indexed);
}
