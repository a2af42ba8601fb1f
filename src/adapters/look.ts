/** One cheap read of every configured system, for people who start on their own: does it answer, and may we ask it? */
import { AdapterError } from "../ports/failure.ts";
import type { Outside } from "../ports/ports.ts";
import { buildPorts } from "./build.ts";
import type { Connections } from "./connections.ts";

export interface Look {
  /** Of `connections`: `tickets`, `channels.chat`. */
  connection: string;
  /** null: it answers. Else one line for a person, without secrets. */
  fault: string | null;
  /** What we may not do there, though it answers; null: nothing is known to be missing. */
  lacks: string | null;
}

/** Names that exist nowhere: the question alone shows whether we are let in. */
const NOBODY = "selfheal-asks-only";
const NO_TICKET = "999999999";

/**
 * Every configured system at once; never rejects. Of the channels only those are asked that can be without a message. What
 * it cannot see: whether we may write (HAProxy's level admin, RT's rights in the queue), which the first effect shows.
 */
export async function lookAtConnections(connections: Connections, outside: Outside): Promise<Look[]> {
  const ports = buildPorts(connections, outside);
  const questions: Partial<Record<keyof Connections, () => Promise<unknown>>> = {
    prometheus: () => ports.metrics.scalar("vector(1)", 60_000).then(okOrThrow),
    alertmanager: () => ports.silences.active(),
    loadBalancer: () => ports.loadBalancer.servers(),
    tickets: () => ports.tickets.get(NO_TICKET),
    provisioner: () => ports.provisioner.node(NOBODY),
    leases: () => ports.leases.held(),
    bmc: () => ports.bmc.power(NOBODY).catch(unlessNotFound),
  };
  const asked = Object.entries(questions) as [keyof Connections, () => Promise<unknown>][];
  const configured = asked.filter(([connection]) => connections[connection] !== undefined);
  const channels = Object.entries(ports.channels).flatMap(([name, channel]) => {
    const ask = channel.look?.bind(channel);
    return ask === undefined ? [] : [look(`channels.${name}`, ask)];
  });
  const systems = configured.map(([connection, ask]) => look(connection, () => ask().then(() => null)));
  return Promise.all([...systems, ...channels]);
}

async function look(connection: string, ask: () => Promise<string | null>): Promise<Look> {
  try {
    return { connection, fault: null, lacks: await ask() };
  } catch (error) {
    return { connection, fault: error instanceof Error ? error.message : String(error), lacks: null };
  }
}

function okOrThrow(read: { ok: true } | { ok: false; reason: string }): void {
  if (!read.ok) throw new Error(read.reason);
}

/** A BMC that does not know the system has answered. */
function unlessNotFound(error: unknown): void {
  if (error instanceof AdapterError && error.failure === "permanent" && / 404\b/.test(error.message)) return;
  throw error;
}
