/** A machine of the lab, with its true state. */
import type { RandomStream } from "./random.ts";
import { HOUR_MS, type LabDisk, type LabHost } from "./types.ts";

const DAY_MS = 24 * HOUR_MS;

export type ProvisionState = "active" | "deploying" | "wait call-back" | "deploy failed";

export interface Provision {
  state: ProvisionState;
  target: "active" | null;
  lastError: string | null;
  /** Lab ms. */
  changedAt: number;
  updatedAt: number;
  /** Locked by the conductor: no other operation now. */
  reserved: boolean;
  instanceInfo: Record<string, unknown>;
  extra: Record<string, unknown>;
  driverInternalInfo: Record<string, unknown>;
}

export interface Host extends Omit<LabHost, "disks"> {
  /** Uuid of the node in Ironic. */
  nodeUuid: string;
  /** Id of the system in Redfish. */
  systemId: string;
  disks: (LabDisk & { /** Lab ms; when the disk of this bay last began to fail. */ failedAt: number | null })[];
  power: "on" | "off";
  /** What a reset that is under way leads to. */
  powerTarget: "on" | "off" | null;
  booting: boolean;
  /** False from the moment its only disk is a new, empty one. */
  osInstalled: boolean;
  /** The operating system hangs: power is on, nothing answers, until it is reset. */
  crashed: boolean;
  /** Counts boots; a client sees a reboot by it. */
  bootGeneration: number;
  /** How often each has happened. */
  rebuilds: number;
  resets: number;
  swaps: number;
  provision: Provision;
}

export function makeHost(spec: LabHost, random: RandomStream, now: number): Host {
  const installedAt = now - Math.round(random.between(1, 90)) * DAY_MS;
  return {
    ...spec,
    nodeUuid: random.uuid(),
    systemId: random.uuid(),
    disks: spec.disks.map((disk) => ({ ...disk, failedAt: disk.failing ? now : null })),
    power: "on",
    powerTarget: null,
    booting: false,
    osInstalled: true,
    crashed: false,
    bootGeneration: 1,
    rebuilds: 0,
    resets: 0,
    swaps: 0,
    provision: {
      state: "active",
      target: null,
      lastError: null,
      changedAt: installedAt,
      updatedAt: installedAt,
      reserved: false,
      instanceInfo: {},
      extra: {},
      driverInternalInfo: { deploy_steps: null, is_whole_disk_image: true },
    },
  };
}

/** Its service answers. A failing disk does not stop it. */
export function isServing(host: Host): boolean {
  return host.power === "on" && !host.booting && host.osInstalled && !host.crashed && host.provision.state === "active";
}

export function isFailing(host: Host): boolean {
  return host.disks.some((disk) => disk.failing);
}

export function bayOf(disk: { slot: number }): string {
  return `Bay ${disk.slot}`;
}
