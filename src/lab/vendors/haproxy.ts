/**
 * HAProxy's runtime API: one line of commands, split by `;`, the answers, and the connection is closed. Answers and
 * error texts as captured from HAProxy 2.6.12 (Debian).
 */
import { isServing } from "../host.ts";
import type { AdminState, Pool, PoolServer } from "../traffic.ts";
import { INITIAL_WEIGHT } from "../traffic.ts";
import type { World } from "../world.ts";
import { showInfo, showServersState, showStat } from "./haproxy-views.ts";

const UNKNOWN = `Unknown command. Please enter one of the following commands only:
  get weight <bk>/<srv>                   : report a server's current weight
  set server <bk>/<srv> [opts]            : change a server's state, weight, address or ssl
  set weight <bk>/<srv>  (DEPRECATED)     : change a server's weight (use 'set server' instead)
  show backend                            : list backends in the current running config
  show info [desc|json|typed|float]*      : report information about the running process
  show servers state [<backend>]          : dump volatile server information (all or for a single backend)
  show stat [desc|json|no-maint|typed|up]*: report counters for each proxy and server
  help [<command>]                        : list matching or all commands
  prompt                                  : toggle interactive mode with prompt
  quit                                    : disconnect

`;
const DONE = "\n";
const REFUSED = "Permission denied\n\n";
const STATES: readonly AdminState[] = ["ready", "drain", "maint"];

/** Answers one line, as it came over the socket, without its end. */
export function answerLine(world: World, line: string): string {
  return line
    .split(";")
    .map((command) => answer(world, command.trim().split(/\s+/)))
    .join("");
}

/** The host that the line is about, for faults that aim at one. */
export function hostOfLine(line: string): string | null {
  return /\b[\w.-]+\/([\w.-]+)/.exec(line)?.[1] ?? null;
}

export function changesLine(line: string): boolean {
  return /(^|;)\s*(set|enable|disable)\b/.test(line);
}

function answer(world: World, words: string[]): string {
  const [verb = "", noun = "", ...rest] = words;
  switch (`${verb} ${noun}`) {
    case "show stat":
      return showStat(world, rest);
    case "show info":
      return showInfo(world);
    case "show backend":
      return `# name\n${[...world.traffic.pools.keys()].join("\n")}\n\n`;
    case "show servers":
      return rest[0] === "state" ? showServersState(world, rest[1]) : UNKNOWN;
    case "get weight":
      return onServer(world, rest[0], (_pool, server) => `${server.weight} (initial ${INITIAL_WEIGHT})\n\n`);
    case "set weight":
      return onServer(world, rest[0], (pool, server) => setWeight(world, pool, server, rest[1] ?? ""));
    case "set server":
      return onServer(world, rest[0], (pool, server) => setServer(world, pool, server, rest[1], rest[2] ?? ""));
    case "disable server":
      return onServer(world, rest[0], (pool, server) => setState(world, pool, server, "maint"));
    case "enable server":
      return onServer(world, rest[0], (pool, server) => setState(world, pool, server, "ready"));
    default:
      return UNKNOWN;
  }
}

function onServer(world: World, name: string | undefined, then: (pool: Pool, server: PoolServer) => string): string {
  const [poolName = "", serverName] = (name ?? "").split("/");
  if (serverName === undefined) return "Require 'backend/server'.\n\n";
  const pool = world.traffic.pools.get(poolName);
  if (!pool) return "No such backend.\n\n";
  const server = pool.servers.find((candidate) => candidate.host.id === serverName);
  return server ? then(pool, server) : "No such server.\n\n";
}

function setServer(world: World, pool: Pool, server: PoolServer, what: string | undefined, value: string): string {
  switch (what) {
    case "state":
      return setState(world, pool, server, value);
    case "weight":
      return setWeight(world, pool, server, value);
    default:
      return "usage: set server <backend>/<server> addr | agent | agent-addr | agent-port | agent-send | check-addr | check-port | fqdn | health | ssl | state | weight\n\n";
  }
}

function setState(world: World, pool: Pool, server: PoolServer, value: string): string {
  const state = STATES.find((candidate) => candidate === value);
  if (!state) return "'set server <srv> state' expects 'ready', 'drain' and 'maint'.\n\n";
  const refusal = state === "drain" ? "drain-refused" : state === "ready" ? "undo-refused" : null;
  if (refusal && world.faults.strike(refusal, { system: "haproxy", host: server.host.id })) return REFUSED;
  if (server.admin !== state) {
    // A server in maintenance is not checked; out of it, the balancer believes what the next checks will say.
    const unchecked = server.admin === "maint";
    world.setAdmin(pool, server, state);
    if (unchecked) world.changeServer(pool, server, (it) => (it.operational = isServing(it.host) ? "up" : "down"));
  }
  return DONE;
}

function setWeight(world: World, pool: Pool, server: PoolServer, value: string): string {
  const match = /^(-?\d+)(%?)/.exec(value);
  if (!match) return "Empty weight string empty or preceded by garbage\n";
  const number = Number(match[1]);
  if (match[2] === "%" && number < 0) return "Relative weight must be positive.\n\n";
  if (match[2] !== "%" && (number < 0 || number > 256)) {
    return "Absolute weight can only be between 0 and 256 inclusive.\n\n";
  }
  const weight = match[2] === "%" ? Math.min(256, Math.floor((number * INITIAL_WEIGHT) / 100)) : number;
  if (weight !== server.weight) {
    world.changeServer(pool, server, (it) => (it.weight = weight));
    world.note({ system: "haproxy", what: "weight", host: server.host.id, detail: String(weight) });
  }
  return DONE;
}
