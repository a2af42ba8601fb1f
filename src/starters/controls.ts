/** What people do to the automation as a whole over the API: pauses, breakers, targets that are back in service. */
import type { Breaker, Pause } from "../contracts/facts.ts";
import type { TargetRef } from "../contracts/target.ts";
import type { RecordStore } from "../record/api.ts";
import type { LeftOut } from "../record/api-guards.ts";
import { conflict, notFound, throughRecord } from "./problems.ts";
import { DecisionRefused, type Remediations } from "./remediations.ts";
import { checkScope } from "./scopes.ts";

export interface ControlDependencies {
  record: Pick<
    RecordStore,
    | "now"
    | "activeVersion"
    | "catalogue"
    | "pause"
    | "resume"
    | "pauses"
    | "breakers"
    | "resetBreakers"
    | "waitingUnder"
    | "admissibleWaiters"
    | "leftOut"
    | "back"
    | "openWindow"
    | "closeWindows"
    | "windows"
    | "hold"
    | "releaseHold"
    | "holds"
    | "ownHolds"
  >;
  remediations: Pick<Remediations, "hint" | "decide">;
}

const WAITERS_AT_ONCE = 100;

export interface PauseWish {
  scope: string;
  reason: string;
  by: string;
  /** null: until it is resumed. */
  forMs: number | null;
}

export async function pauseScope({ record }: ControlDependencies, wish: PauseWish): Promise<Pause> {
  const { forMs, ...rest } = wish;
  await checkScope(record, wish.scope);
  return throughRecord("write the pause", async () => {
    const until = forMs === null ? null : new Date(Date.parse(await record.now()) + forMs).toISOString();
    return record.pause({ ...rest, until });
  });
}

export interface Resumed {
  resumed: Pause[];
  /** Remediations that were told to ask for admission again. */
  hinted: number;
}

/** `what`: the id of one pause, its beginning, or a scope: every pause of exactly that scope. */
export async function resumeWhat(deps: ControlDependencies, what: string, by: string): Promise<Resumed> {
  const { record } = deps;
  const active = await throughRecord("read the pauses", () => record.pauses());
  const ofScope = active.filter((one) => one.scope === what);
  const byId = what.length >= 4 ? active.filter((one) => one.id.startsWith(what)) : [];
  const chosen = ofScope.length > 0 ? ofScope : byId;
  if (chosen.length === 0) {
    const there = active.map((one) => `${one.id.slice(0, 13)} (${one.scope})`).join(", ");
    throw notFound(`no pause has the scope or id ${what}; there ${there === "" ? "is none" : `are ${there}`}`);
  }
  if (ofScope.length === 0 && chosen.length > 1)
    throw conflict(`${chosen.length} pauses have ids that begin with ${what}`);
  await throughRecord("lift the pause", async () => {
    for (const { id } of chosen) await record.resume(id, by);
  });
  return { resumed: chosen, hinted: await hintWaiters(deps) };
}

export interface ResetWish {
  scope: string;
  by: string;
  reason: string;
  /** Of what waited behind a storm breaker: end it, or ask the guardrails afresh. */
  how: "drop" | "reEvaluate";
}
export interface ResetAnswer {
  reset: Breaker[];
  dropped: string[];
  hinted: number;
}

/** What is dropped is cancelled before the breaker is reset, so that nothing of it slips through. */
export async function resetBreaker(deps: ControlDependencies, wish: ResetWish): Promise<ResetAnswer> {
  const { record } = deps;
  const open = await throughRecord("read the breakers", () => record.breakers());
  const mine = open.filter((one) => one.scope === wish.scope);
  if (mine.length === 0) {
    const there = open.map((one) => one.scope).join(", ");
    throw notFound(`no breaker of ${wish.scope} is open; open ${there === "" ? "is none" : `are ${there}`}`);
  }
  // Nobody waits for an error budget: a person decides each plan.
  const isWaitedFor = mine.some((one) => one.kind !== "errorBudget");
  const dropped = wish.how === "drop" && isWaitedFor ? await drop(deps, wish) : [];
  const reset = await throughRecord("reset the breaker", () => record.resetBreakers(wish));
  return { reset, dropped, hinted: await hintWaiters(deps) };
}

async function drop({ record, remediations }: ControlDependencies, wish: ResetWish): Promise<string[]> {
  const waiting = await throughRecord("read who waits", () => record.waitingUnder(wish.scope));
  const message = { by: wish.by, reason: `dropped when the breaker of ${wish.scope} was reset: ${wish.reason}` };
  const dropped: string[] = [];
  for (const { workflowId, remediationId } of waiting) {
    try {
      await remediations.decide(workflowId, { kind: "cancel", message });
      dropped.push(remediationId);
    } catch (error) {
      // It has just come to its end by itself.
      if (!(error instanceof DecisionRefused)) throw error;
    }
  }
  return dropped;
}

export interface BackAnswer {
  target: TargetRef;
  /** The remediations that had left it out. */
  remediations: string[];
  hinted: number;
}

/** `target`: `kind/id`, or an id that only one target has. */
export async function targetBack(
  deps: ControlDependencies,
  { target, by, reason }: { target: string; by: string; reason: string },
): Promise<BackAnswer> {
  const left = await throughRecord("read who is left out", () => deps.record.leftOut());
  const names = (one: TargetRef): string[] => [`${one.kind}/${one.id}`, one.id];
  const named = left.filter((one) => names(one.target).includes(target));
  const out = named.filter((one) => one.state === "leftOut");
  const found = [...new Map(out.map((one) => [names(one.target)[0], one.target])).values()];
  const [first, ...others] = found;
  const [unsettled] = named;
  if (first === undefined && unsettled !== undefined) throw conflict(unsettledText(unsettled));
  if (first === undefined) throw notFound(`${target} is not among those that were left out of service`);
  if (others.length > 0) throw conflict(`${target} may be ${found.map((one) => names(one)[0]).join(" or ")}`);
  const remediations = await throughRecord("take it back", () => deps.record.back(first, by, reason));
  return { target: first, remediations, hinted: await hintWaiters(deps) };
}

function unsettledText({ target, remediationId }: LeftOut): string {
  return (
    `${target.kind}/${target.id} counts because nobody knows what an effect of remediation ${remediationId} did; look, ` +
    `then \`selfheal remediation release-leases ${remediationId}\``
  );
}

/** A hint that is lost is made good by the watcher. */
export async function hintWaiters({ record, remediations }: ControlDependencies): Promise<number> {
  const waiters = await throughRecord("read who may go", () => record.admissibleWaiters(WAITERS_AT_ONCE));
  const told = await Promise.allSettled(
    waiters.map(({ workflowId, remediationId }) => remediations.hint(workflowId, `${remediationId}/queue`)),
  );
  return told.filter((one) => one.status === "fulfilled").length;
}
