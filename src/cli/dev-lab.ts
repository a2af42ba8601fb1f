/** The simulated datacenter of `selfheal dev` and `npm run production`: one host's disk is failing, and its Alertmanager tells our webhook. */
import { rm } from "node:fs/promises";
import { makeFleet } from "../lab/fleet.ts";
import { startLab, type Lab } from "../lab/lab.ts";
import { writeLabFolder } from "./demo/lab-folder.ts";
import type { LabPlace, RunningLab } from "./process/stack.ts";

export interface DevLabOptions {
  hosts: number;
  seed: number;
  /** Lab-seconds in each real second. */
  timeScale: number;
}

export interface DevLab extends RunningLab {
  lab: Lab;
}

export async function startDevLab(options: DevLabOptions, place: LabPlace): Promise<DevLab> {
  const { webhookToken } = place;
  const lab = await startLab({
    seed: options.seed,
    hosts: makeFleet({ count: options.hosts, seed: options.seed, failing: 1 }),
    timeScale: options.timeScale,
    alerting: {
      webhookUrl: `${place.apiUrl}/v1/alerts/alertmanager`,
      ...(webhookToken === undefined ? {} : { headers: { authorization: `Bearer ${webhookToken}` } }),
    },
  });
  try {
    // Made anew each time: the lab starts with a new world too.
    await rm(place.folder, { recursive: true, force: true });
    const standingFor = ["web", "api"];
    await writeLabFolder({ folder: place.folder, lab, timeScale: options.timeScale, standingFor });
  } catch (error) {
    await lab.stop();
    throw error;
  }
  return { lab, url: lab.url, configFolder: place.folder, stop: () => lab.stop() };
}
