import type { CountedFacts, DecisionFacts } from "../contracts/facts.ts";
import type { Json } from "../contracts/json.ts";
import type { Plan } from "../contracts/plan.ts";
import {
  GUARDRAIL_OUTCOMES,
  type GuardrailOutcome,
  type GuardrailResult,
  type ReasonCode,
} from "../contracts/verdict.ts";
import type { ModeLevels } from "./modes.ts";

/**
 * One pure rule. A counted one is evaluated twice: as a forecast by `decide`, and inside the admission transaction.
 * `evenUnread`: it has its say also where the record could not be read; all other counted ones refuse then.
 */
export type Guardrail =
  | { name: string; counted: false; evaluate(plan: Plan, facts: DecisionFacts): GuardrailResult }
  | { name: string; counted: true; evaluate(plan: Plan, facts: CountedView): GuardrailResult }
  | { name: string; counted: "evenUnread"; evaluate(plan: Plan, facts: View<CountedFacts | null>): GuardrailResult };

export type CountedView = View<CountedFacts>;

interface View<Counted> {
  counted: Counted;
  /** The database's time, ISO. */
  now: string;
  planHash: string;
  /** In force now: what the files declare, and what people set since. */
  modes: ModeLevels;
}

type Saw = { [key: string]: Json };

export function pass(guardrail: string, detail: string, saw: Saw = {}, code: ReasonCode = "OK"): GuardrailResult {
  return { guardrail, outcome: "pass", code, detail, saw };
}

export function stop(
  guardrail: string,
  outcome: Exclude<GuardrailOutcome, "pass">,
  code: ReasonCode,
  detail: string,
  saw: Saw = {},
  until?: string,
): GuardrailResult {
  const result: GuardrailResult = { guardrail, outcome, code, detail, saw };
  return until === undefined ? result : { ...result, until };
}

/** A fact that was not there, or made no sense: never fails open. */
export function unavailable(guardrail: string, what: string, saw: Saw = {}): GuardrailResult {
  return stop(guardrail, "refuse", "FACTS_UNAVAILABLE", what, saw);
}

/** One result of several looks of one guardrail: the worst outcome, every detail of it, all that was seen. */
export function worstOf(results: readonly GuardrailResult[]): GuardrailResult {
  const [only, ...others] = results;
  if (only !== undefined && others.length === 0) return only;
  const rank = (result: GuardrailResult): number => GUARDRAIL_OUTCOMES.indexOf(result.outcome);
  const top = Math.max(...results.map(rank));
  const worst = results.filter((result) => rank(result) === top);
  const [first] = worst;
  if (first === undefined) throw new Error("there is no result to choose from");
  const untils = worst.flatMap(({ until }) => (until === undefined ? [] : [until])).sort();
  const trips = results.flatMap((result) => result.trips ?? []);
  const waitsFor = worst.flatMap((result) => result.waitsFor ?? []);
  const { until: _, trips: __, waitsFor: ___, stale: ____, ...base } = first;
  return {
    ...base,
    detail: worst.map((result) => result.detail).join("; "),
    saw: { ...first.saw, all: results.map(({ saw }) => saw) },
    // All of them must be over, and one without a known end leaves the end unknown.
    ...(untils.length === worst.length ? { until: untils.at(-1) ?? "" } : {}),
    ...(trips.length === 0 ? {} : { trips }),
    ...(waitsFor.length === 0 ? {} : { waitsFor }),
    ...(worst.every((result) => result.stale === true) ? { stale: true } : {}),
  };
}

/** Milliseconds since 1970, or null when the text is no time. */
export function timeOf(iso: string): number | null {
  const time = Date.parse(iso);
  return Number.isNaN(time) ? null : time;
}

export function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}

/** `1d4h`: durations in the sentences that people read. */
export function words(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}
