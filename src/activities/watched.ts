/**
 * The words in which an action that says `pending` writes down what it saw. The bulk watcher (src/watchers/look.ts) must
 * write the same ones, so that a difference always means: worth looking again (test/activities/actions/watched.test.ts).
 */
import type { PoolServer, ProvisionedNode, Ticket } from "../ports/ports.ts";

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
