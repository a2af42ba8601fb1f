/**
 * What selfheal needs of other people's systems: narrow, vendor-free. Adapters implement these; activities use them.
 * Every method rejects with an `AdapterError` (failure.ts) that says its failure class. All reads are safe to repeat.
 * `@acts`: it changes the other system, so lint lets only actions call it (scripts/lint-acting.js).
 */
import type { Socket } from "node:net";
import type { Json, JsonObject } from "../contracts/json.ts";
import type { Route } from "../contracts/route.ts";
import type { TargetRef } from "../contracts/target.ts";

/** A measurement as a probe evaluates it, or why there is none. */
export type Measurement =
  { ok: true; measured: { [key: string]: Json }; detail: string } | { ok: false; reason: string };

/** One kind of probe: `prometheus.query`, `http.get`, `tcp.connect`. Never rejects: what fails is `ok: false`. */
export interface ProbePort {
  measure(input: JsonObject): Promise<Measurement>;
}

export interface MetricsPort {
  /** The one number of an expression; `ok: false` for none, many, NaN, stale, unreachable. */
  scalar(
    query: string,
    maxAgeMs: number,
  ): Promise<{ ok: true; value: number; ageMs: number } | { ok: false; reason: string }>;
  /** The newest value of each series of an expression, by one label; `ok: false` when two series share its value. */
  series(
    query: string,
    label: string,
  ): Promise<{ ok: true; values: Record<string, number> } | { ok: false; reason: string }>;
  /**
   * The one series of an expression between two times (ms since 1970), at most `points` of it; where it has no value,
   * there is no point. `ok: false` for none, many, unreachable. Never rejects.
   */
  range(
    query: string,
    span: { from: number; to: number; points: number },
  ): Promise<{ ok: true; points: { at: number; value: number }[] } | { ok: false; reason: string }>;
}

export interface PoolServer {
  pool: string;
  server: string;
  admin: "ready" | "drain" | "maint";
  /** Health as the balancer sees it. */
  operational: "up" | "down";
  sessions: number;
  /** Percent of the configured weight, 0 to 100. */
  weightPercent: number;
  /** The balancer keeps whole weights, so a percentage is cut to a multiple of this; left out: exact. */
  weightStepPercent?: number;
}
export interface LoadBalancerPort {
  /** All servers of all pools in one question. */
  servers(): Promise<PoolServer[]>;
  /** Rejects as permanent when the server does not exist in the pool. Idempotent. @acts */
  setAdmin(pool: string, server: string, admin: "ready" | "drain"): Promise<void>;
  /** @acts */
  setWeight(pool: string, server: string, percent: number): Promise<void>;
}

export interface Ticket {
  id: string;
  status: "open" | "resolved" | "rejected";
  /** The vendor's own word. */
  rawStatus: string;
  subject: string;
  url: string;
}
export interface TicketPort {
  /** Opens one; the key is stored with it so that it can be found again. Not idempotent by itself. @acts */
  open(ticket: { key: string; queue: string; subject: string; body: string }): Promise<Ticket>;
  /** All tickets with that key: more than one would be a double. */
  findByKey(key: string): Promise<Ticket[]>;
  get(id: string): Promise<Ticket | null>;
  getMany(ids: string[]): Promise<Ticket[]>;
  /** Comments once for each key. @acts */
  comment(id: string, key: string, text: string): Promise<void>;
  /** Is the comment of that key there? */
  hasComment(id: string, key: string): Promise<boolean>;
  /** @acts */
  setStatus(id: string, status: "resolved" | "rejected", key: string, text: string): Promise<void>;
}

export interface ProvisionedNode {
  node: string;
  state: "active" | "busy" | "failed" | "other";
  rawState: string;
  /** What the vendor says went wrong, if it does. */
  error: string | null;
  /** ISO; when it last changed its state; null when the vendor does not say. */
  changedAt: string | null;
  /** The key of the last rebuild that selfheal noted on it, with the state's time before it was sent. */
  noted: { key: string; changedAtBefore: string | null } | null;
}
export interface ProvisionerPort {
  node(node: string): Promise<ProvisionedNode | null>;
  nodes(nodes: string[]): Promise<ProvisionedNode[]>;
  /** Writes the key on the node first (so that the effect can be read back), then asks for the rebuild. @acts */
  rebuild(node: string, key: string, image: string): Promise<void>;
}

export interface Drive {
  id: string;
  /** The slot or bay as the controller names it. */
  slot: string;
  serial: string;
  model: string;
  health: "ok" | "warning" | "critical" | "unknown";
  failurePredicted: boolean | null;
}
export interface BmcPort {
  power(system: string): Promise<"on" | "off" | "changing">;
  /** Submits; the state follows seconds later. @acts */
  setPower(system: string, to: "on" | "off"): Promise<void>;
  drives(system: string): Promise<Drive[]>;
}

export interface Silence {
  id: string;
  state: "active" | "pending" | "expired";
  matchers: { name: string; value: string; isRegex: boolean; isEqual: boolean }[];
  comment: string;
  createdBy: string;
  startsAt: string;
  endsAt: string;
  /** Made by selfheal. */
  ours: boolean;
}
export interface SilencePort {
  /** @acts */
  create(silence: {
    matchers: Record<string, string>;
    startsAt: string;
    endsAt: string;
    key: string;
    comment: string;
  }): Promise<string>;
  /** Every silence that is not expired and carries this key in its comment. */
  findByKey(key: string): Promise<Silence[]>;
  /** @acts */
  expire(id: string): Promise<void>;
  /** All active silences, whoever made them. */
  active(): Promise<Silence[]>;
}

/** Another system's word that it works on a target, under the name that it knows it by. */
export interface ForeignLease {
  target: TargetRef;
  holder: string;
  reason: string;
  /** ISO; null: for as long as it is there. */
  until: string | null;
}
export interface LeasePort {
  /** All of them in one question; those that are over, too. */
  held(): Promise<ForeignLease[]>;
}

/** `page`: somebody must look now. `ticket`: on the next working day. `message`: to know. */
/** What people are told. */
export interface Message {
  /** A receiver may drop what comes again with the same one. */
  key: string;
  route: Route;
  title: string;
  text: string;
  /** What it is about has one thread in each channel. Left out: it is about no remediation. */
  remediationId?: string;
  /** It may have gone out before: who sent it died, or was not answered. */
  again?: boolean;
}
export interface NotifyPort {
  /** Resolves once a channel took it; rejects when none did, and may then be called again. */
  send(message: Message): Promise<void>;
}

/** What a person may answer where a message stands. */
export interface Choice {
  verb: "approve" | "reject" | "good" | "falsePositive" | "masking";
  remediationId: string;
  /** Of the plan that was shown; null: it is about no plan. */
  planHash: string | null;
}

/** How a remediation stands: what the beginning of its thread shows. `left`: it is over, and a person must act. */
export interface Standing {
  state: "open" | "acknowledged" | "resolved" | "left";
  title: string;
  text: string;
  choices: Choice[];
}
/** A message as a channel posts it. */
export interface Posting extends Message {
  severity: "critical" | "warning" | "info";
  /** The target, or `selfheal`. */
  source: string;
  /** null: it is about no remediation. */
  standing: Standing | null;
}
/** The message that opened a thread. */
export type Opening = Pick<Message, "key" | "route" | "title" | "text">;

/** One way to reach people. */
export interface ChannelPort {
  /**
   * Posts, into the thread where one is given. Answers the thread's reference, for what follows; null: this channel has
   * no threads. What comes again is told from what is new by its key, or looked for; only Slack's incoming webhook can do
   * neither, and shows it twice.
   */
  post(posting: Posting, thread: string | null): Promise<string | null>;
  /** Shows how the remediation of a thread stands now. Safe to repeat. Left out: what is posted stays as it is. */
  show?(thread: string, standing: Standing, opening: Opening): Promise<void>;
  /**
   * One read, for people who check their configuration: what this channel may not do here, as a line; null: nothing is
   * missing. Rejects when it would take no message. Left out: nothing can be asked without posting.
   */
  look?(): Promise<string | null>;
}

/** All that the actions may reach. A port that is not configured rejects with a permanent error that says so. */
export interface Ports {
  metrics: MetricsPort;
  loadBalancer: LoadBalancerPort;
  tickets: TicketPort;
  provisioner: ProvisionerPort;
  bmc: BmcPort;
  silences: SilencePort;
  leases: LeasePort;
  notify: NotifyPort;
  /** By the name that selfheal.yaml gives them, in its order. */
  channels: Readonly<Record<string, ChannelPort>>;
  /** By `uses`. */
  probes: Record<string, ProbePort>;
}

/** Where adapters get the outside from: never from the globals. */
export interface Outside {
  fetch: typeof fetch;
  /** Opens a byte stream: TCP (`{ host, port }`) or a UNIX socket (`{ path }`). Same shape as node:net connect. */
  connect: (options: { host: string; port: number } | { path: string }) => Socket;
  clock: {
    now(): number;
    /** Fires once after `ms`; answers how to cancel it. Left out: the process's own timers. */
    after?(ms: number, fire: () => void): () => void;
  };
}
