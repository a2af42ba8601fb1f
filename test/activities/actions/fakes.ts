/** Ports in memory, so far as the actions use them: the state of a small world, not a list of calls. */
import { ACTIONS } from "../../../src/activities/actions.ts";
import type { JsonObject } from "../../../src/contracts/json.ts";
import type { Target } from "../../../src/contracts/target.ts";
import type { AnyAction, EffectContext, Observation } from "../../../src/ports/action.ts";
import { AdapterError } from "../../../src/ports/failure.ts";
import type { Drive, PoolServer, Ports, ProvisionedNode, Silence, Ticket } from "../../../src/ports/ports.ts";

export interface World {
  servers: PoolServer[];
  tickets: (Ticket & { key: string; queue: string; body: string; comments: Map<string, string> })[];
  silences: (Silence & { key: string })[];
  nodes: Map<string, ProvisionedNode>;
  power: "on" | "off" | "changing";
  drives: Drive[];
  /** The next write happens, and its answer is lost. */
  loseReply: boolean;
  ports: Ports;
}

export const target: Target = {
  kind: "host",
  id: "web-1",
  owner: "team-web",
  group: "web",
  rack: "r1",
  region: null,
  services: [],
  labels: {},
  stateless: true,
  attributes: { pool: "web", image: "debian-13" },
};

export const server = (name: string, more: Partial<PoolServer> = {}): PoolServer => ({
  pool: "web",
  server: name,
  admin: "ready",
  operational: "up",
  sessions: 0,
  weightPercent: 100,
  ...more,
});

export const drive = (slot: string, serial: string, more: Partial<Drive> = {}): Drive => ({
  id: `disk-${slot}`,
  slot,
  serial,
  model: "M",
  health: "ok",
  failurePredicted: false,
  ...more,
});

export const activeNode = (more: Partial<ProvisionedNode> = {}): ProvisionedNode => ({
  node: "web-1",
  state: "active",
  rawState: "active",
  error: null,
  changedAt: "2026-01-01T00:00:00.000Z",
  noted: null,
  ...more,
});

export function world(): World {
  const w: World = {
    servers: [server("web-1"), server("web-2")],
    tickets: [],
    silences: [],
    nodes: new Map([["web-1", activeNode()]]),
    power: "on",
    drives: [],
    loseReply: false,
    ports: {} as Ports,
  };
  w.ports = {
    loadBalancer: loadBalancer(w),
    tickets: tickets(w),
    silences: silences(w),
    provisioner: provisioner(w),
    bmc: bmc(w),
  } as Partial<Ports> as Ports;
  return w;
}

function answered<T>(w: World, value: T): Promise<T> {
  if (!w.loseReply) return Promise.resolve(value);
  w.loseReply = false;
  return Promise.reject(new AdapterError("ambiguous", { system: "fake", operation: "write" }, "reply lost"));
}

function loadBalancer(w: World): Ports["loadBalancer"] {
  const find = (name: string): PoolServer => {
    const found = w.servers.find((one) => one.server === name);
    if (!found) throw new AdapterError("permanent", { system: "fake", operation: "set" }, "No such server");
    return found;
  };
  return {
    servers: () => Promise.resolve(w.servers.map((one) => ({ ...one }))),
    setAdmin: async (_, name, admin) => {
      find(name).admin = admin;
      await answered(w, null);
    },
    setWeight: async (_, name, percent) => {
      const one = find(name);
      const step = one.weightStepPercent ?? 0;
      one.weightPercent = step > 0 ? Math.floor(percent / step) * step : percent;
      await answered(w, null);
    },
  };
}

function tickets(w: World): Ports["tickets"] {
  const get = (id: string) => w.tickets.find((one) => one.id === id) ?? null;
  return {
    open({ key, queue, subject, body }) {
      const id = String(w.tickets.length + 9);
      const ticket = { id, status: "open", rawStatus: "new", subject, url: `http://rt/${id}` } as const;
      w.tickets.push({ ...ticket, key, queue, body, comments: new Map() });
      return answered(w, ticket);
    },
    findByKey: (key) => Promise.resolve(w.tickets.filter((one) => one.key === key)),
    get: (id) => Promise.resolve(get(id)),
    getMany: (ids) => Promise.resolve(w.tickets.filter((one) => ids.includes(one.id))),
    async comment(id, key, text) {
      get(id)?.comments.set(key, text);
      await answered(w, null);
    },
    hasComment: (id, key) => Promise.resolve(get(id)?.comments.has(key) ?? false),
    async setStatus(id, status, key, text) {
      const ticket = get(id);
      ticket?.comments.set(key, text);
      if (ticket) Object.assign(ticket, { status, rawStatus: status });
      await answered(w, null);
    },
  };
}

function silences(w: World): Ports["silences"] {
  const alive = (): World["silences"] => w.silences.filter((one) => one.state === "active");
  return {
    create({ matchers, startsAt, endsAt, key, comment }) {
      const id = `s${w.silences.length}`;
      const list = Object.entries(matchers).map(([name, value]) => ({ name, value, isRegex: false, isEqual: true }));
      w.silences.push({
        id,
        state: "active",
        matchers: list,
        comment,
        ours: true,
        createdBy: "selfheal",
        startsAt,
        endsAt,
        key,
      });
      return answered(w, id);
    },
    findByKey: (key) => Promise.resolve(alive().filter((one) => one.key === key)),
    async expire(id) {
      for (const one of w.silences) if (one.id === id) one.state = "expired";
      await answered(w, null);
    },
    active: () => Promise.resolve(alive()),
  };
}

function provisioner(w: World): Ports["provisioner"] {
  return {
    node: (name) => Promise.resolve(w.nodes.get(name) ?? null),
    nodes: (names) => Promise.resolve(names.flatMap((name) => w.nodes.get(name) ?? [])),
    async rebuild(name, key) {
      const before = w.nodes.get(name) ?? activeNode();
      const noted = { key, changedAtBefore: before.changedAt };
      const changedAt = "2026-01-01T01:00:00.000Z";
      w.nodes.set(name, { ...before, state: "busy", rawState: "deploying", changedAt, noted });
      await answered(w, null);
    },
  };
}

function bmc(w: World): Ports["bmc"] {
  return {
    power: () => Promise.resolve(w.power),
    async setPower(_, to) {
      w.power = to;
      await answered(w, null);
    },
    drives: () => Promise.resolve(w.drives),
  };
}

type Direction = "perform" | "undo" | "finishHealthy" | "finishOtherwise";

/** Runs one operation of an action as the effect wrapper does, and reads it back. */
export function act(
  w: { ports: Ports; target?: Target; now?: string; leftOut?: boolean },
  name: string,
  input: JsonObject = {},
  step = "s1",
) {
  const action = ACTIONS[name] as AnyAction;
  const { percent, ...rest } = input;
  const parsed = { ...(action.input.parse(rest) as JsonObject), ...(percent === undefined ? {} : { percent }) };
  const leftOut = Promise.resolve(w.leftOut ?? false);
  const context = (direction: Direction): EffectContext => {
    const applyKey = `rem/rung/${step}`;
    const key = direction === "perform" ? applyKey : `${applyKey}/${direction}`;
    const now = w.now ?? "2026-01-01T00:30:00.000Z";
    const about = { remediationId: "rem", target: w.target ?? target, ports: w.ports, leftOut: () => leftOut };
    return { key, applyKey, ...about, now, intendedAt: now };
  };
  return {
    apply: async (direction: Direction = "perform"): Promise<void> => {
      await action[direction]?.apply?.(context(direction), parsed);
    },
    observe: (direction: Direction = "perform"): Promise<Observation> =>
      action[direction]?.observe(context(direction), parsed) ?? Promise.reject(new Error(`no ${direction}`)),
  };
}

/** Applies with a lost reply, then reads back, then applies again as a second apply would. */
export async function applyTwice(
  run: ReturnType<typeof act>,
  w: World,
  direction: Direction = "perform",
): Promise<void> {
  w.loseReply = true;
  await run.apply(direction).catch((error: unknown) => {
    if (!(error instanceof AdapterError && error.failure === "ambiguous")) throw error;
  });
  w.loseReply = false;
  await run.apply(direction);
}
