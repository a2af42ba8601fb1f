/**
 * The state words of what is waited for in other systems. An action that says `pending` writes down what it saw, and the
 * bulk watcher compares: both take the words from here, so that a difference always means: worth looking again.
 */
import type { PoolServer, ProvisionedNode, Ticket } from "./ports.ts";

export const seenOf = {
  ticket: (ticket: Ticket): string => ticket.status,
  server: (server: PoolServer): string => (server.sessions > 0 ? "busy" : "idle"),
  node: (node: ProvisionedNode): string => node.state,
  power: (power: "on" | "off" | "changing"): string => power,
};

/** `<pool>/<server>`: neither name can hold a slash in a balancer that we know. */
export function serverRef({ pool, server }: Pick<PoolServer, "pool" | "server">): string {
  return `${pool}/${server}`;
}
