import type { LoadBalancerPort, Outside, PoolServer } from "../../ports/ports.ts";
import { Guarded } from "../guarded.ts";
import { parseServersState, parseStat, runtimeApi } from "./runtime-api.ts";

const SYSTEM = "haproxy";
/** Characters of HAProxy's own proxy and server names; anything else could smuggle in a second command. */
const NAME = /^[A-Za-z0-9._:-]+$/;
/** `srv_admin_state` (HAProxy management guide): forced, inherited, by configuration, by resolution, by host name. */
const MAINT_BITS = 0x01 | 0x02 | 0x04 | 0x20 | 0x40;
const DRAIN_BITS = 0x08 | 0x10;
/** `srv_op_state`: 1 starting, 2 running; 0 stopped and 3 stopping take no new work. */
const UP_STATES = new Set(["1", "2"]);

export interface HaproxyOptions {
  /** `tcp://host:port` or `unix:///path`; the socket needs `level admin`. */
  address: string;
  outside: Outside;
  timeoutMs?: number;
}

/**
 * The balancer's servers and their state. `show stat` alone will not do: it shows a drained server that is also down
 * just as DOWN. Percentages are of the configured weight and cut to whole weights: give servers a weight of 10 or
 * more if they shall be ramped.
 */
export function haproxy(options: HaproxyOptions): LoadBalancerPort {
  const { outside, address, timeoutMs = 5_000 } = options;
  const guarded = new Guarded({ system: SYSTEM, clock: outside.clock, timeoutMs });
  const api = runtimeApi({ address, guarded, connect: outside.connect });

  const named = (pool: string, server: string, operation: string): string => {
    if (NAME.test(pool) && NAME.test(server)) return `${pool}/${server}`;
    throw guarded.fail("permanent", operation, `"${pool}/${server}" is not a name that HAProxy knows`);
  };
  const set = async (operation: string, what: string): Promise<void> => {
    const answer = await api.ask(operation, "write", `set server ${what}`);
    // HAProxy answers nothing on success and a sentence on refusal.
    if (answer !== "") throw guarded.fail("permanent", operation, `${what}: ${answer.split("\n")[0]}`);
  };

  return {
    async servers() {
      const stat = await api.ask("servers", "read", "show stat");
      const state = await api.ask("servers", "read", "show servers state");
      try {
        return join(parseStat(stat), parseServersState(state));
      } catch (error) {
        throw guarded.fail("transient", "servers", error instanceof Error ? error.message : String(error));
      }
    },
    async setAdmin(pool, server, admin) {
      await set("set state", `${named(pool, server, "set state")} state ${admin}`);
    },
    async setWeight(pool, server, percent) {
      const whole = Math.round(percent);
      if (!(whole >= 0 && whole <= 100)) {
        throw guarded.fail("permanent", "set weight", `${percent} is not a percentage from 0 to 100`);
      }
      await set("set weight", `${named(pool, server, "set weight")} weight ${whole}%`);
    },
  };
}

const SERVER_TYPE = "2";

function join(stat: Record<string, string>[], state: Record<string, string>[]): PoolServer[] {
  const sessions = new Map<string, number>();
  for (const row of stat) {
    if (row["type"] === SERVER_TYPE) sessions.set(`${row["pxname"]}/${row["svname"]}`, number(row["scur"], "scur"));
  }
  return state.map((row) => {
    const pool = row["be_name"] ?? "";
    const server = row["srv_name"] ?? "";
    const scur = sessions.get(`${pool}/${server}`);
    if (scur === undefined) throw new Error(`"show stat" has no row for the server ${pool}/${server}`);
    const admin = number(row["srv_admin_state"], "srv_admin_state");
    const configured = number(row["srv_iweight"], "srv_iweight");
    const weight = number(row["srv_uweight"], "srv_uweight");
    return {
      pool,
      server,
      admin: admin & MAINT_BITS ? "maint" : admin & DRAIN_BITS ? "drain" : "ready",
      operational: UP_STATES.has(row["srv_op_state"] ?? "") ? "up" : "down",
      sessions: scur,
      weightPercent: configured === 0 ? 0 : Math.min(100, Math.round((100 * weight) / configured)),
      weightStepPercent: configured === 0 ? 100 : 100 / configured,
    };
  });
}

function number(text: string | undefined, column: string): number {
  const value = Number(text);
  if (text === undefined || text === "" || !Number.isFinite(value)) {
    throw new Error(`the column ${column} holds "${text ?? ""}", not a number`);
  }
  return value;
}
