/** What a lab is made of. */
import type { LabClock } from "./clock.ts";
import type { FaultSpec } from "./faults.ts";

export const SYSTEMS = [
  "haproxy",
  "prometheus",
  "alertmanager",
  "rt",
  "ironic",
  "redfish",
  "slack",
  "pagerduty",
  "hosts",
] as const;
export type SystemName = (typeof SYSTEMS)[number];

export interface LabDisk {
  /** Bay number, from 0. */
  slot: number;
  /** As the operating system calls it: `/dev/sda`. */
  device: string;
  serial: string;
  model: string;
  failing: boolean;
}

/** A host as it is ordered. */
export interface LabHost {
  id: string;
  fqdn: string;
  address: string;
  role: string;
  owner: string;
  group: string;
  rack: string;
  region: string;
  /** The load balancer's pool that it serves in; null when it is in none. */
  pool: string | null;
  image: string;
  services: string[];
  labels: Record<string, string>;
  stateless: boolean;
  disks: LabDisk[];
}

export interface LabPool {
  name: string;
  /** Requests each second for each server of the pool, all servers counted. Default 20. */
  requestsPerSecond?: number;
  /** Load that a server bears, as a multiple of its fair share; what comes above is errors. Default 2. */
  capacityFactor?: number;
  /** Open sessions on a server at its fair share. Default 40. */
  sessions?: number;
  /** Mean time that a session stays open once no new ones come, in lab ms. Default 60,000; none outlives 5 minutes. */
  sessionMeanMs?: number;
}

/** All in lab ms. */
export interface TechnicianOptions {
  /** How many work at the same time. Default 2. */
  count?: number;
  /** From ticket to arrival. Default 2 h to 4 h. */
  arrivalMs?: [number, number];
  /** The swap itself. Default 5 to 15 min. */
  swapMs?: [number, number];
}

/** All in lab ms. */
export interface InstallerOptions {
  /** Default 20 to 40 min. */
  installMs?: [number, number];
  /** From the end of installation, or power on, to a service that answers. Default 60 to 120 s. */
  bootMs?: [number, number];
}

export interface LabOptions {
  seed: number;
  hosts: LabHost[];
  /** Pools that hosts name and that are not listed get the defaults. */
  pools?: LabPool[];
  /** Default: real time at `timeScale`. Tests give `manualClock()`. */
  clock?: LabClock;
  /** Lab-seconds in each real second; default 1. Not together with `clock`. */
  timeScale?: number;
  faults?: FaultSpec[];
  /** Default 127.0.0.1. */
  host?: string;
  /** HTTP; default 0: any. */
  port?: number;
  /** Runtime API; default 0: any. */
  haproxyPort?: number;
  /** Tokens that Request Tracker takes. Default `["lab-token"]`. */
  tickets?: { tokens?: string[]; queues?: string[]; webhookUrl?: string };
  technician?: TechnicianOptions;
  installer?: InstallerOptions;
  alerting?: AlertingOptions;
}

/** The lab's own Alertmanager sends webhooks when `webhookUrl` is given. All in lab ms. */
export interface AlertingOptions {
  webhookUrl?: string;
  headers?: Record<string, string>;
  receiver?: string;
  /** From failing to the first webhook. Default 30 s. */
  groupWaitMs?: number;
  /** Repeats while it fires. Default 4 h. */
  repeatMs?: number;
}

export const LAB_TOKEN = "lab-token";
/** The custom field of a ticket that carries selfheal's key. */
export const TICKET_KEY_FIELD = "selfheal_key";
export const DATACENTER_QUEUE = "datacenter";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
export const HOUR_MS = 60 * MINUTE;
export const MINUTE_MS = MINUTE;
export const SECOND_MS = SECOND;
