/** Why an alert is decided as it is, or would be now: rules, target, facts, guardrails, plan. Pure. */
import type { Alert } from "../contracts/alert.ts";
import type { ModeSet } from "../contracts/autonomy.ts";
import type { CountedFacts } from "../contracts/facts.ts";
import type { JsonObject } from "../contracts/json.ts";
import type { Plan } from "../contracts/plan.ts";
import type { ProbeReading } from "../contracts/probe.ts";
import type { Target } from "../contracts/target.ts";
import { GUARDRAIL_OUTCOMES, type GuardrailOutcome, type ReasonCode } from "../contracts/verdict.ts";
import { modesAt } from "../policy/modes.ts";
import { decidePartly, type PartialResult } from "../policy/partial.ts";
import { verdictOf } from "../policy/verdict.ts";
import type { Catalogue } from "./catalogue.ts";
import { classify, explainMatch, type Matched, type RuleMatch } from "./classify.ts";
import { rootsIn } from "./expression.ts";
import { consider, considerSketch, SKETCH, type Considered } from "./consider.ts";
import { placeOf } from "./plan-modes.ts";

/** What was read of live systems; null: not read. */
export interface LiveFacts {
  /** ISO, the database's time. */
  now: string | null;
  reading: ProbeReading | null;
  /** The evidence. */
  collected: JsonObject | null;
  counted: CountedFacts | null;
  /** What people set; what the files say stands where nothing was read. */
  modes: readonly ModeSet[] | null;
}

export const NOTHING_READ: LiveFacts = { now: null, reading: null, collected: null, counted: null, modes: null };

export interface Explanation {
  catalogue: string;
  alert: { fingerprint: string; labels: Record<string, string> };
  /** Every runbook of the catalogue. */
  rules: RuleMatch[];
  classification: { kind: "matched" | "unmatched" | "noTarget"; code: ReasonCode; detail: string };
  target: Target | null;
  /** What was read of live systems, and what was not. */
  facts: { fact: string; read: boolean; detail: string }[];
  /** null: there is no plan, so no guardrail was asked. */
  guardrails: PartialResult[] | null;
  /** `hash` null: a sketch, because the evidence was not read. */
  plan: { plan: Plan; hash: string | null } | null;
  would: { outcome: string; detail: string };
}

/** A plan to count for; null when there is none. */
export function planToCount(
  catalogue: Catalogue,
  alerts: readonly [Alert, ...Alert[]],
  collected: JsonObject | null,
): { plan: Plan; planHash: string } | null {
  const classified = classify(catalogue, alerts[0]);
  if (classified.kind !== "matched") return null;
  const considered = considerWith(catalogue, classified, alerts, evidenceOf(classified, collected));
  return considered.kind === "planned" ? considered : null;
}

export function explain(
  catalogue: Catalogue,
  alerts: readonly [Alert, ...Alert[]],
  live: LiveFacts = NOTHING_READ,
): Explanation {
  const [alert] = alerts;
  const { fingerprint, labels } = alert;
  const classified = classify(catalogue, alert);
  const about = {
    catalogue: catalogue.version,
    alert: { fingerprint, labels },
    rules: explainMatch(catalogue, alert),
    classification: {
      kind: classified.kind,
      code: "code" in classified ? classified.code : "OK",
      detail: classified.detail,
    },
    target: "target" in classified ? classified.target : null,
    facts: factsOf(live),
  } as const;
  const none = { ...about, guardrails: null, plan: null };
  if (classified.kind === "unmatched") {
    return { ...none, would: { outcome: "nothing", detail: "it is recorded as unmatched, and nobody is told" } };
  }
  if (classified.kind === "noTarget") return { ...none, would: { outcome: "refuse", detail: classified.detail } };
  const collected = evidenceOf(classified, live.collected);
  const considered = considerWith(catalogue, classified, alerts, collected);
  if (considered.kind === "noPlan") return { ...none, would: { outcome: "refuse", detail: considered.detail } };
  const { plan, planHash, facts } = considered;
  const needsEvidence = collected === null && rootsIn(classified.runbook.spec.require).includes("collected");
  const requirement = needsEvidence ? null : facts.requirement;
  const modes = modesAt(facts.modes, placeOf(plan), live.modes ?? []);
  const guardrails = decidePartly(plan, { ...facts, ...live, collected, requirement, modes });
  const hash = planHash === SKETCH ? null : planHash;
  return { ...about, guardrails, plan: { plan, hash }, would: wouldOf(guardrails) };
}

function considerWith(
  catalogue: Catalogue,
  matched: Matched,
  alerts: readonly [Alert, ...Alert[]],
  collected: JsonObject | null,
): Considered {
  return collected === null
    ? considerSketch(catalogue, matched, alerts)
    : consider(catalogue, matched, alerts, collected);
}

/** A runbook that collects nothing needs nobody to collect it. */
function evidenceOf({ runbook }: Matched, collected: JsonObject | null): JsonObject | null {
  return runbook.spec.collect.length === 0 ? {} : collected;
}

function factsOf({ now, reading, collected, counted, modes }: LiveFacts): Explanation["facts"] {
  const fact = (name: string, detail: string | null, from: string) => ({
    fact: name,
    read: detail !== null,
    detail: detail ?? `not read: ${from}`,
  });
  return [
    fact(
      "probe",
      reading === null ? null : `${reading.state} at ${reading.at}: ${reading.reason}`,
      "a worker asks the probe",
    ),
    fact("evidence", collected === null ? null : JSON.stringify(collected), "a worker collects it"),
    fact("history", counted === null ? null : `counted at ${now ?? "?"}`, "the record of a running selfheal counts"),
    fact(
      "modes",
      modes === null ? null : `${modes.length} set by people`,
      "the files' count here; people may have set others",
    ),
  ];
}

/** What is known may settle it, whatever the rest would say. */
function wouldOf(results: readonly PartialResult[]): Explanation["would"] {
  const rank = (outcome: GuardrailOutcome): number => GUARDRAIL_OUTCOMES.indexOf(outcome);
  const known = results.filter((one) => one.outcome !== "notRead");
  const open = results.filter((one) => one.outcome === "notRead");
  const top = Math.max(...known.map((one) => rank(one.outcome)), 0);
  const worst = GUARDRAIL_OUTCOMES[top] ?? "refuse";
  const why = known
    .filter((one) => one.outcome === worst && one.outcome !== "pass")
    .map(({ code, detail }) => `${code}: ${detail}`);
  const isSettled = open.length === 0 || worst === "observe";
  const outcome = isSettled ? verdictOf(worst) : `${verdictOf(worst)}, unless what was not read says worse`;
  const names = open.map(({ guardrail }) => guardrail).join(", ");
  const detail = [...why, ...(isSettled ? [] : [`not known: ${names}`])].join("; ");
  return { outcome, detail: detail === "" ? "nothing stands against it" : detail };
}
