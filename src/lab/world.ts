/** The true state of the simulated datacenter, and the log of everything that changed it. Tests assert on this. */
import type { WebhookAlert } from "./alerts.ts";
import type { LabClock } from "./clock.ts";
import { type Fault, Faults } from "./faults.ts";
import { type Host, isFailing, isServing, makeHost } from "./host.ts";
import { type Random, seededRandom } from "./random.ts";
import { TicketStore } from "./tickets.ts";
import { type AdminState, type Pool, type PoolServer, Traffic } from "./traffic.ts";
import type { LabOptions } from "./types.ts";

export interface LogEntry {
  /** Lab ms. */
  at: number;
  /** What a client's clock showed, ISO. */
  time: string;
  system: string;
  /** A verb or state in one to three words: `drain`, `ticket-created`, `rebuild-started`. */
  what: string;
  host?: string;
  /** The caller's idempotency key, where the protocol carried one. */
  key?: string;
  detail?: string;
}

export interface ChatMessage {
  time: string;
  path: string;
  text: string;
  body: unknown;
  /** Of the Web API alone: its id there. */
  ts?: string;
  /** The message that it replies to; null: none. */
  thread?: string | null;
}

/** As PagerDuty keeps it. */
export interface LabIncident {
  /** `dedup_key`. */
  key: string;
  state: "triggered" | "acknowledged" | "resolved";
  /** Since it was last resolved. */
  triggers: number;
  summary: string;
  body: unknown;
}

export interface LabSilence {
  id: string;
  matchers: { name: string; value: string; isRegex: boolean; isEqual: boolean }[];
  /** Wall ms. */
  startsAt: number;
  endsAt: number;
  updatedAt: number;
  createdBy: string;
  comment: string;
}

export class World {
  readonly clock: LabClock;
  readonly random: Random;
  readonly faults: Faults;
  readonly hosts: ReadonlyMap<string, Host>;
  readonly traffic: Traffic;
  readonly tickets: TicketStore;
  readonly messages: ChatMessage[] = [];
  readonly incidents = new Map<string, LabIncident>();
  /** Every alert of every webhook of the lab's Alertmanager that was answered with 2xx, repeats too. */
  readonly acceptedAlerts: WebhookAlert[] = [];
  readonly silences = new Map<string, LabSilence>();
  readonly log: LogEntry[] = [];
  /** Lab ms. */
  readonly startedAt: number;
  readonly #listeners = new Set<(entry: LogEntry) => void>();

  constructor(options: LabOptions, clock: LabClock) {
    this.clock = clock;
    this.random = seededRandom(options.seed);
    this.faults = new Faults(this.random, () => clock.now());
    const now = clock.now();
    this.startedAt = now;
    const hosts = options.hosts.map((spec) => makeHost(spec, this.random.stream("host", spec.id), now));
    this.hosts = new Map(hosts.map((host) => [host.id, host]));
    if (this.hosts.size !== hosts.length) throw new Error("two hosts of the lab have the same id");
    this.traffic = new Traffic(hosts, options.pools ?? [], clock, this.random);
    this.tickets = new TicketStore(this, options.tickets?.queues ?? []);
    this.faults.onStrike = (fault, point) => this.noteFault(fault, point.host ?? undefined);
  }

  /** Throws when there is no such host: for the lab's own code and for tests, not for what clients name. */
  host(id: string): Host {
    const host = this.hosts.get(id);
    if (!host)
      throw new Error(`the lab has no host "${id}"; it has ${[...this.hosts.keys()].slice(0, 10).join(", ")} …`);
    return host;
  }

  /** Seconds of a client's clock since then. */
  wallSecondsSince(labMs: number): number {
    return Math.floor((this.clock.wall(this.clock.now()) - this.clock.wall(labMs)) / 1000);
  }

  /** The wall time of now, ISO. */
  time(labMs = this.clock.now()): string {
    return new Date(this.clock.wall(labMs)).toISOString();
  }

  note(entry: Omit<LogEntry, "at" | "time">): void {
    const full = { at: this.clock.now(), time: this.time(), ...entry };
    this.log.push(full);
    for (const listener of this.#listeners) listener(full);
  }

  on(listener: (entry: LogEntry) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The only way to change a host: what users see is counted with the old state until now, with the new one after. */
  change(host: Host, change: (host: Host) => void): void {
    const pool = host.pool === null ? undefined : this.traffic.pools.get(host.pool);
    const wasServing = isServing(host);
    if (pool) this.traffic.change(pool, () => change(host));
    else change(host);
    this.traffic.hostChanged(host, wasServing);
    if (wasServing !== isServing(host)) {
      this.note({ system: "hosts", what: isServing(host) ? "serving" : "not-serving", host: host.id });
    }
  }

  changeServer(pool: Pool, server: PoolServer, change: (server: PoolServer) => void): void {
    this.traffic.change(pool, () => change(server));
    server.changedAt = this.clock.now();
  }

  setAdmin(pool: Pool, server: PoolServer, admin: AdminState): void {
    this.changeServer(pool, server, (changed) => (changed.admin = admin));
    this.note({ system: "haproxy", what: admin, host: server.host.id, detail: `pool ${pool.name}` });
  }

  /** A disk begins to fail, from now on or from `since` (lab ms). Default: the first disk. */
  failDisk(hostId: string, slot = 0): void {
    this.#setFailing(hostId, slot, true);
  }

  /** The disk is well again by itself. */
  healDisk(hostId: string, slot = 0): void {
    this.#setFailing(hostId, slot, false);
  }

  /** The operating system hangs until the power is cycled. */
  crash(hostId: string): void {
    const host = this.host(hostId);
    this.note({ system: "hosts", what: "crashed", host: hostId });
    this.change(host, () => (host.crashed = true));
  }

  /** Brings the traffic in line with the faults that hold now. */
  refreshHarm(): void {
    for (const pool of this.traffic.pools.values()) {
      const harmed = pool.servers.some(({ host }) => this.faults.holds("harm", { host: host.id }) !== null);
      if (harmed !== pool.harmed) this.traffic.change(pool, () => (pool.harmed = harmed));
    }
  }

  failing(): Host[] {
    return [...this.hosts.values()].filter(isFailing);
  }

  noteFault(fault: Fault, host: string | undefined): void {
    this.note({
      system: fault.system ?? "lab",
      what: "fault",
      ...(host === undefined ? {} : { host }),
      detail: fault.name,
    });
  }

  #setFailing(hostId: string, slot: number, failing: boolean): void {
    const host = this.host(hostId);
    const disk = host.disks.find((candidate) => candidate.slot === slot);
    if (!disk) throw new Error(`host "${hostId}" has no disk in slot ${slot}`);
    if (disk.failing === failing) return;
    this.change(host, () => {
      disk.failing = failing;
      if (failing) disk.failedAt = this.clock.now();
    });
    this.note({ system: "hosts", what: failing ? "disk-failing" : "disk-well", host: hostId, detail: disk.serial });
  }
}
