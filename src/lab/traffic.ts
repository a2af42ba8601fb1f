/**
 * The load balancer's pools and the users' traffic through them. Traffic is not events but rates, summed up when
 * something changes (`settle`): a jump over 30 hours costs nothing, and reading never changes the world.
 */
import type { LabClock } from "./clock.ts";
import { type Host, isFailing, isServing } from "./host.ts";
import type { Random } from "./random.ts";
import { type LabPool, MINUTE_MS, SECOND_MS } from "./types.ts";

export type AdminState = "ready" | "drain" | "maint";

/** Why users saw an error. Everything but `failing` can be avoided by draining before touching. */
export const ERROR_CAUSES = ["dead", "cut", "unrouted", "overload", "harm", "failing"] as const;
export type ErrorCause = (typeof ERROR_CAUSES)[number];

export interface PoolServer {
  host: Host;
  admin: AdminState;
  /** 0 to 256, as set; the initial weight is 100. */
  weight: number;
  /** Health as the balancer sees it: it lags behind the truth by the checks. */
  operational: "up" | "down";
  served: number;
  errors: Record<ErrorCause, number>;
  /** Lab ms at which each session that is left over ends; null while new ones come. */
  sessionEnds: number[] | null;
  receivingStops: number;
  changedAt: number;
  checkFailures: number;
}

export interface Pool extends Required<LabPool> {
  servers: PoolServer[];
  /** Requests that no server could take. */
  unrouted: number;
  /** The fault `harm` holds for it. */
  harmed: boolean;
  settledAt: number;
}

interface Share {
  server: PoolServer;
  /** Requests each second. */
  rate: number;
  errorRates: Partial<Record<ErrorCause, number>>;
}

export const INITIAL_WEIGHT = 100;
/** HAProxy's defaults: `inter 2s fall 3 rise 2`. */
const FALL_MS = 6 * SECOND_MS;
const RISE_MS = 4 * SECOND_MS;
const LONGEST_SESSION_MS = 5 * MINUTE_MS;
/** A failing disk spoils this share of the requests. */
const FAILING_ERRORS = 0.02;
/** The fault `harm` spoils this share while anything is drained. */
const HARM_ERRORS = 0.5;

export class Traffic {
  readonly pools: ReadonlyMap<string, Pool>;
  readonly #clock: LabClock;
  readonly #random: Random;

  constructor(hosts: Iterable<Host>, pools: LabPool[], clock: LabClock, random: Random) {
    this.#clock = clock;
    this.#random = random;
    this.pools = new Map(makePools([...hosts], pools, clock.now()).map((pool) => [pool.name, pool]));
  }

  server(pool: string, host: string): PoolServer | null {
    return this.pools.get(pool)?.servers.find((server) => server.host.id === host) ?? null;
  }

  /** Changes servers of a pool; the traffic until now is counted as it was, from now on as it is. */
  change(pool: Pool, change: () => void): void {
    this.settle(pool);
    const before = new Map(pool.servers.map((server) => [server, isReceiving(server)]));
    const sessions = new Map(this.#shares(pool).map((share) => [share.server, this.#openSessions(pool, share)]));
    change();
    for (const server of pool.servers) {
      if (before.get(server) && !isReceiving(server)) this.#letSessionsEnd(pool, server, sessions.get(server) ?? 0);
      if (isReceiving(server)) server.sessionEnds = null;
    }
  }

  /** The host died, or came back: cuts its sessions and lets the balancer's checks notice. */
  hostChanged(host: Host, wasServing: boolean): void {
    const serving = isServing(host);
    for (const pool of this.pools.values()) {
      const server = pool.servers.find((candidate) => candidate.host === host);
      if (!server || serving === wasServing) continue;
      if (!serving) this.#cutSessions(pool, server);
      const noticed = serving ? "up" : "down";
      this.#clock.after(serving ? RISE_MS : FALL_MS, () => {
        if (isServing(host) !== serving || server.operational === noticed) return;
        this.change(pool, () => {
          server.operational = noticed;
          server.changedAt = this.#clock.now();
          if (!serving) server.checkFailures++;
        });
      });
    }
  }

  /** Sums up the traffic until now. */
  settle(pool: Pool): void {
    const now = this.#clock.now();
    const seconds = (now - pool.settledAt) / SECOND_MS;
    if (seconds <= 0) return;
    pool.settledAt = now;
    const shares = this.#shares(pool);
    if (shares.length === 0) pool.unrouted += pool.requestsPerSecond * pool.servers.length * seconds;
    for (const share of shares) {
      let errors = 0;
      for (const [cause, rate] of Object.entries(share.errorRates) as [ErrorCause, number][]) {
        share.server.errors[cause] += rate * seconds;
        errors += rate;
      }
      share.server.served += Math.max(0, share.rate - errors) * seconds;
    }
  }

  /** Share of the requests of this moment that are answered well, 0 to 1. */
  availability(pool: Pool): number {
    const shares = this.#shares(pool);
    const demand = pool.requestsPerSecond * pool.servers.length;
    if (shares.length === 0 || demand === 0) return demand === 0 ? 1 : 0;
    const errors = shares.reduce((sum, share) => sum + sumOf(share.errorRates), 0);
    return Math.max(0, 1 - errors / demand);
  }

  /** All servers of a pool at once: open sessions, and requests each second that go there now. */
  loads(pool: Pool): Map<PoolServer, { sessions: number; rate: number }> {
    const now = this.#clock.now();
    const shares = new Map(this.#shares(pool).map((share) => [share.server, share]));
    return new Map(
      pool.servers.map((server) => {
        const share = shares.get(server);
        const left = server.sessionEnds?.filter((end) => end > now).length;
        return [server, { sessions: left ?? (share ? this.#openSessions(pool, share) : 0), rate: share?.rate ?? 0 }];
      }),
    );
  }

  /** User-visible errors until now, by cause, whole requests. */
  errors(poolName?: string): Record<ErrorCause, number> {
    const total = noErrors();
    for (const pool of this.pools.values()) {
      if (poolName !== undefined && pool.name !== poolName) continue;
      this.settle(pool);
      total.unrouted += pool.unrouted;
      for (const server of pool.servers) for (const cause of ERROR_CAUSES) total[cause] += server.errors[cause];
    }
    for (const cause of ERROR_CAUSES) total[cause] = wholeRequests(total[cause]);
    return total;
  }

  #shares(pool: Pool): Share[] {
    const receiving = pool.servers.filter(isReceiving);
    const weights = receiving.reduce((sum, server) => sum + server.weight, 0);
    const demand = pool.requestsPerSecond * pool.servers.length;
    const harmed = pool.harmed && pool.servers.some((server) => server.admin !== "ready");
    return receiving.map((server) => {
      const rate = (demand * server.weight) / weights;
      return { server, rate, errorRates: errorRates(pool, server, rate, harmed) };
    });
  }

  #openSessions(pool: Pool, share: Share): number {
    if (!isServing(share.server.host)) return 0;
    return Math.max(1, Math.round((pool.sessions * share.rate) / pool.requestsPerSecond));
  }

  #letSessionsEnd(pool: Pool, server: PoolServer, count: number): void {
    const now = this.#clock.now();
    const random = this.#random.stream("sessions", pool.name, server.host.id, ++server.receivingStops);
    server.sessionEnds = Array.from({ length: count }, () => {
      const length = -Math.log(1 - random.next()) * pool.sessionMeanMs;
      return now + Math.ceil(Math.min(length, LONGEST_SESSION_MS));
    });
  }

  #cutSessions(pool: Pool, server: PoolServer): void {
    const now = this.#clock.now();
    // Sessions of a server that still receives were counted before it died: it keeps none, and they are all cut.
    const share = this.#shares(pool).find((candidate) => candidate.server === server);
    const open = server.sessionEnds
      ? server.sessionEnds.filter((end) => end > now).length
      : share
        ? Math.max(1, Math.round((pool.sessions * share.rate) / pool.requestsPerSecond))
        : 0;
    server.errors.cut += open;
    if (server.sessionEnds) server.sessionEnds = [];
  }
}

/** New sessions go to it. */
function isReceiving(server: PoolServer): boolean {
  return server.admin === "ready" && server.operational === "up" && server.weight > 0;
}

function errorRates(
  pool: Pool,
  server: PoolServer,
  rate: number,
  harmed: boolean,
): Partial<Record<ErrorCause, number>> {
  if (!isServing(server.host)) return { dead: rate };
  const overload = Math.max(0, rate - pool.requestsPerSecond * pool.capacityFactor);
  const left = rate - overload;
  const harm = harmed ? left * HARM_ERRORS : 0;
  const failing = isFailing(server.host) ? (left - harm) * FAILING_ERRORS : 0;
  return { overload, harm, failing };
}

function makePools(hosts: Host[], specs: LabPool[], now: number): Pool[] {
  const names = new Set([...specs.map((spec) => spec.name), ...hosts.flatMap((host) => host.pool ?? [])]);
  return [...names].map((name) => ({
    requestsPerSecond: 20,
    capacityFactor: 2,
    sessions: 40,
    sessionMeanMs: MINUTE_MS,
    ...specs.find((spec) => spec.name === name),
    name,
    unrouted: 0,
    harmed: false,
    settledAt: now,
    servers: hosts.filter((host) => host.pool === name).map((host) => makeServer(host, now)),
  }));
}

function makeServer(host: Host, now: number): PoolServer {
  return {
    host,
    admin: "ready",
    weight: INITIAL_WEIGHT,
    operational: "up",
    served: 0,
    errors: noErrors(),
    sessionEnds: null,
    receivingStops: 0,
    changedAt: now,
    checkFailures: 0,
  };
}

function noErrors(): Record<ErrorCause, number> {
  return { dead: 0, cut: 0, unrouted: 0, overload: 0, harm: 0, failing: 0 };
}

function sumOf(rates: Partial<Record<ErrorCause, number>>): number {
  return Object.values(rates).reduce((sum, rate) => sum + rate, 0);
}

/** Rates are summed in pieces; the last digits of a sum must not decide on a whole request. */
export function wholeRequests(count: number): number {
  return Math.floor(count + 1e-6);
}
