/** One bulk question to each watched system: the state word of every ref that somebody waits for. Reads only. */
import type { WatchedSystem } from "../ports/action.ts";
import type { Ports } from "../ports/ports.ts";
import { seenOf, serverRef } from "../ports/watched.ts";
import { chunksOf, Gate } from "../starters/gate.ts";

/** The state word of each ref. A ref that is missing here was not answered: nothing is concluded from that. */
export type Words = Map<string, string>;

/** The system answered and has no such thing (any more): the waiter must look. */
export const GONE = "gone";

/** Items in one question: keeps a query string or a response within what servers take. */
const BULK = 200;
const QUESTIONS_AT_ONCE = 4;
/** A BMC has no bulk question, and is slow. */
const BMCS_AT_ONCE = 8;

export type Look = (ports: Ports, refs: string[]) => Promise<Words>;

export const LOOKS: Record<WatchedSystem, Look> = {
  tickets: async (ports, refs) => {
    const tickets = await inBulk(refs, (ids) => ports.tickets.getMany(ids));
    return wordsOf(refs, new Map(tickets.map((ticket) => [ticket.id, seenOf.ticket(ticket)])));
  },
  provisioner: async (ports, refs) => {
    const nodes = await inBulk(refs, (names) => ports.provisioner.nodes(names));
    return wordsOf(refs, new Map(nodes.map((node) => [node.node, seenOf.node(node)])));
  },
  loadbalancer: async (ports, refs) => {
    const servers = await ports.loadBalancer.servers();
    return wordsOf(refs, new Map(servers.map((server) => [serverRef(server), seenOf.server(server)])));
  },
  bmc: async (ports, refs) => {
    const gate = new Gate(BMCS_AT_ONCE);
    const words: Words = new Map();
    const ask = async (system: string): Promise<void> => {
      words.set(system, seenOf.power(await gate.through(() => ports.bmc.power(system))));
    };
    const asked = await Promise.allSettled(refs.map(ask));
    const failed = asked.find((one) => one.status === "rejected");
    // One dead controller must not hide the others; none at all is the network.
    if (words.size === 0 && failed !== undefined) throw failed.reason;
    return words;
  },
};

async function inBulk<T>(refs: string[], ask: (refs: string[]) => Promise<T[]>): Promise<T[]> {
  const gate = new Gate(QUESTIONS_AT_ONCE);
  const answers = await Promise.all(chunksOf(refs, BULK).map((chunk) => gate.through(() => ask(chunk))));
  return answers.flat();
}

function wordsOf(refs: string[], known: Map<string, string>): Words {
  return new Map(refs.map((ref) => [ref, known.get(ref) ?? GONE]));
}
