/** Servers out of their pools beside our effects: whose doing is it, and does anybody still care? Reports only. */
import type { PoolServer } from "../ports/ports.ts";
import { serverRef } from "../ports/watched.ts";
import type { RecentEffect } from "../record/api-sweep.ts";
import { candidate, nameOf, show, type Candidate, type LookDependencies } from "./sweep-finding.ts";

const DRAIN = "loadbalancer.drain";
/** Effects are looked back upon this far; a drain older than that counts as somebody else's. */
const MOST_EFFECTS = 5_000;
/** A remediation that has just closed may be ramping, or the balancer be slow to say so. */
const SETTLED_AFTER_MS = 5 * 60_000;
const MOST_SERVERS = 200;

export async function lookAtBalancer({ record, loadBalancer }: LookDependencies, nowMs: number): Promise<Candidate[]> {
  if (loadBalancer === null) return [];
  const drained = (await loadBalancer.servers()).filter((one) => one.admin === "drain");
  if (drained.length === 0) return [];
  // Read after the servers: a drain that we see in the world has its intent in the record already.
  const effects = (await record.recentEffects(DRAIN, MOST_EFFECTS)).filter(mayHaveChangedIt);
  return drained.slice(0, MOST_SERVERS).flatMap((server) => ownerOf(server, effects, nowMs));
}

function mayHaveChangedIt({ effect }: RecentEffect): boolean {
  return effect.state !== "notHappened" && effect.state !== "failed";
}

/** Newest first, so the first that fits has the last word. */
function ownerOf(server: PoolServer, effects: RecentEffect[], nowMs: number): Candidate[] {
  const last = lastWord(effects.filter((one) => isOf(one, server)));
  if (last?.closedAt === null) return [];
  if (last === undefined) return [elsewhere(server, "the record has no drain of it")];
  const { direction, state } = last.effect;
  const happened = state === "happened";
  if (direction === "finishOtherwise" && happened) return [kept(server, last)];
  if ((direction === "undo" || direction === "finishHealthy") && happened) {
    return [elsewhere(server, `selfheal had given it its traffic back at ${last.effect.settledAt}`)];
  }
  return Date.parse(last.closedAt) + SETTLED_AFTER_MS > nowMs ? [] : [left(server, last)];
}

/** A remediation that found it out of service and left it so has not had the last word: whoever took it out has. */
function lastWord(effects: RecentEffect[]): RecentEffect | undefined {
  const [last] = effects;
  if (last?.effect.result?.["keptOut"] !== true) return last;
  return lastWord(effects.filter(({ effect }) => effect.remediationId !== last.effect.remediationId));
}

function isOf({ effect, target }: RecentEffect, { pool, server }: PoolServer): boolean {
  const said = { ...effect.request, ...effect.result };
  const itsServer = typeof said["server"] === "string" ? said["server"] : target.id;
  return itsServer === server && (typeof said["pool"] !== "string" || said["pool"] === pool);
}

function left(server: PoolServer, last: RecentEffect): Candidate {
  return candidate({
    ...drainedByUs(server, last),
    code: "DRAINED_LEFT",
    severity: "page",
    sentence: `${serverRef(server)} is drained: selfheal did it at ${last.effect.intentAt}, and its remediation closed at ${last.closedAt} without giving the traffic back or keeping it away on purpose`,
  });
}

function kept(server: PoolServer, last: RecentEffect): Candidate {
  return candidate({
    ...drainedByUs(server, last),
    code: "DRAINED_KEPT",
    severity: "info",
    sentence: `${serverRef(server)} is kept drained since ${last.closedAt}: its remediation did not see it healthy`,
  });
}

function drainedByUs(server: PoolServer, { effect, target }: RecentEffect) {
  const { remediationId } = effect;
  const ids = { remediationId, target: nameOf(target), server: serverRef(server) };
  return { part: "loadbalancer", about: serverRef(server), ids, next: show(remediationId) } as const;
}

function elsewhere(server: PoolServer, why: string): Candidate {
  return candidate({
    code: "DRAINED_ELSEWHERE",
    part: "loadbalancer",
    about: serverRef(server),
    severity: "info",
    sentence: `${serverRef(server)} is drained, and not by selfheal: ${why}`,
    ids: { server: serverRef(server) },
    next: "ask who works on it; selfheal leaves it alone",
  });
}
