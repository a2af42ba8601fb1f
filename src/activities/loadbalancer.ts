import { z } from "zod";
import type { AnyAction, EffectContext, Operation } from "../ports/action.ts";
import type { PoolServer } from "../ports/ports.ts";
import { seenOf, serverRef } from "../ports/watched.ts";
import {
  APPLY_TIMEOUT_MS,
  defineAction,
  failed,
  given,
  happened,
  MINUTE_MS,
  notHappened,
  pending,
  refusal,
} from "./define.ts";

const input = z.strictObject({
  pool: z.string().min(1).optional().describe("the balancer's pool; default: the target's attribute `pool`"),
  server: z.string().min(1).optional().describe("the server's name in the pool; default: the target's id"),
});
type Input = z.infer<typeof input>;
const output = z.object({ pool: z.string(), server: z.string() });

interface Place {
  pool: string;
  server: string;
  ref: string;
}

function placeOf({ target }: EffectContext, { pool, server }: Input): Place {
  const name = { pool: given(pool, target, "pool", "loadbalancer"), server: server ?? target.id };
  return { ...name, ref: serverRef(name) };
}

/** All servers of the pool, ours among them; null when it is not there. */
async function look(
  context: EffectContext,
  { pool, server }: Place,
): Promise<{ mine: PoolServer | null; pool: PoolServer[] }> {
  const all = (await context.ports.loadBalancer.servers()).filter((one) => one.pool === pool);
  return { mine: all.find((one) => one.server === server) ?? null, pool: all };
}

const takesTraffic = (server: PoolServer): boolean =>
  server.admin === "ready" && server.operational === "up" && server.weightPercent > 0;

const drain: Operation<Input> = {
  async apply(context, what) {
    const place = placeOf(context, what);
    const { mine, pool } = await look(context, place);
    if (mine === null) throw refusal("loadbalancer.drain", `there is no server ${place.ref}`);
    if (mine.admin === "maint") {
      throw refusal("loadbalancer.drain", `${place.ref} is in maintenance: somebody else works on it`);
    }
    if (takesTraffic(mine) && !pool.some((one) => one !== mine && takesTraffic(one))) {
      throw refusal("loadbalancer.drain", `${place.ref} is the last server of its pool that takes traffic`);
    }
    await context.ports.loadBalancer.setAdmin(place.pool, place.server, "drain");
  },
  async observe(context, what) {
    const place = placeOf(context, what);
    const { mine } = await look(context, place);
    if (mine === null) return failed(`there is no server ${place.ref}`);
    if (mine.admin === "ready") return notHappened(`${place.ref} is ready for traffic`);
    const detail = `${place.ref} is ${mine.admin === "drain" ? "drained" : "in maintenance"}, ${mine.sessions} sessions open`;
    if (mine.sessions > 0) return pending(detail, "loadbalancer", place.ref, seenOf.server(mine));
    return happened(detail, { pool: place.pool, server: place.server });
  },
};

/** Leaves it as it is, and drains it again when its traffic was on its way back. */
const keepDrained: Operation<Input> = {
  async apply(context, what) {
    const { mine } = await look(context, placeOf(context, what));
    if (mine?.admin === "ready") await drain.apply?.(context, what);
  },
  observe: (context, what) => drain.observe(context, what),
};

/** Traffic back, at `percent` of the weight. The weight first: ready with the old one would be all at once. */
const restore: Operation<Input & { percent?: number }> = {
  async apply(context, what) {
    const place = placeOf(context, what);
    const { mine } = await look(context, place);
    if (mine === null) throw refusal("loadbalancer.restore", `there is no server ${place.ref}`);
    if (mine.admin === "maint") {
      throw refusal("loadbalancer.restore", `${place.ref} is in maintenance: somebody else works on it`);
    }
    await context.ports.loadBalancer.setWeight(place.pool, place.server, what.percent ?? 100);
    await context.ports.loadBalancer.setAdmin(place.pool, place.server, "ready");
  },
  async observe(context, what) {
    const place = placeOf(context, what);
    const { mine } = await look(context, place);
    if (mine === null) return failed(`there is no server ${place.ref}`);
    const detail = `${place.ref} is ${mine.admin} at ${mine.weightPercent} % of its weight`;
    if (mine.admin === "maint") return failed(detail);
    const there = mine.admin === "ready" && hasWeight(mine, what.percent ?? 100);
    return there ? happened(detail, { pool: place.pool, server: place.server }) : notHappened(detail);
  },
};

/**
 * As it was before: what an earlier remediation left out of service stays drained, because nobody has proven it healthy
 * (design §3).
 */
const takeBack: Operation<Input> = {
  async apply(context, what) {
    if (!(await context.leftOut())) await restore.apply?.(context, what);
  },
  async observe(context, what) {
    if (!(await context.leftOut())) return restore.observe(context, what);
    const { pool, server, ref } = placeOf(context, what);
    return happened(`${ref} stays as an earlier remediation left it: out of service`, { pool, server, keptOut: true });
  },
};

/**
 * Below 100 the balancer cuts to whole weights; 100 is exact, so that no server is left with less by rounding. A server
 * with more has been at this level: a ramp that is gone through again does not take traffic away.
 */
function hasWeight(server: PoolServer, percent: number): boolean {
  if (percent === 100) return server.weightPercent === 100;
  return server.weightPercent >= percent - (server.weightStepPercent ?? 0) - 0.5;
}

const common = {
  version: 1,
  risk: "low",
  input,
  aims: ["pool", "server"],
  output,
  applyTimeoutMs: APPLY_TIMEOUT_MS,
  lifeMs: 30_000,
} as const;

export const loadbalancerActions: AnyAction[] = [
  defineAction<Input>({
    ...common,
    name: "loadbalancer.drain",
    summary: "Takes the target out of its pool and waits until its sessions are over; never the pool's last server.",
    defaultWithinMs: 15 * MINUTE_MS,
    refusedWhenThere: true,
    perform: drain,
    undo: takeBack,
    finishHealthy: restore,
    finishOtherwise: keepDrained,
    ramped: true,
  }),
  defineAction<Input>({
    ...common,
    name: "loadbalancer.restore",
    summary: "Gives the target its traffic back, at full weight.",
    defaultWithinMs: 5 * MINUTE_MS,
    perform: restore,
  }),
];
