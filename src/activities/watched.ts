/**
 * What a bulk watcher asks each watched system, and how it writes down what it saw. An action that says `pending`
 * writes the same words, so that a difference always means: worth looking again.
 */
import type { WatchedSystem } from "../ports/action.ts";
import type { PoolServer, Ports, ProvisionedNode, Ticket } from "../ports/ports.ts";

/** What is seen of something that is not there any more. */
export const GONE = "gone";

export const seenOf = {
  ticket: (ticket: Ticket): string => ticket.status,
  server: (server: PoolServer): string => (server.sessions > 0 ? "busy" : "idle"),
  node: (node: ProvisionedNode): string => node.state,
  power: (power: "on" | "off" | "changing"): string => power,
};

/** `<pool>/<server>`: neither name can hold a slash in a balancer that we know. */
export function serverRef(pool: string, server: string): string {
  return `${pool}/${server}`;
}

/** Asks one system about all refs at once; every ref gets an answer. Rejects with an AdapterError. */
export async function readWatched(ports: Ports, system: WatchedSystem, refs: string[]): Promise<Map<string, string>> {
  const seen = await READERS[system](ports, refs);
  return new Map(refs.map((ref) => [ref, seen.get(ref) ?? GONE]));
}

type Reader = (ports: Ports, refs: string[]) => Promise<Map<string, string>>;

const READERS: Record<WatchedSystem, Reader> = {
  tickets: async (ports, refs) =>
    new Map((await ports.tickets.getMany(refs)).map((ticket) => [ticket.id, seenOf.ticket(ticket)])),
  provisioner: async (ports, refs) =>
    new Map((await ports.provisioner.nodes(refs)).map((node) => [node.node, seenOf.node(node)])),
  loadbalancer: async (ports) =>
    new Map((await ports.loadBalancer.servers()).map((one) => [serverRef(one.pool, one.server), seenOf.server(one)])),
  // Each BMC is its own system: there is nothing to ask in bulk.
  bmc: async (ports, refs) => {
    const read = async (ref: string): Promise<[string, string]> => [ref, seenOf.power(await ports.bmc.power(ref))];
    return new Map(await Promise.all(refs.map(read)));
  },
};
