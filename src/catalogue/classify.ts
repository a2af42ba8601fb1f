/** Which runbook an alert asks for, on which target. Deterministic: what is not certain goes to a person. */
import type { Alert, Severity } from "../contracts/alert.ts";
import { severityOf } from "../contracts/alert.ts";
import type { ProbeSpec } from "../contracts/probe.ts";
import type { Target } from "../contracts/target.ts";
import type { Json } from "../contracts/json.ts";
import type { GuardrailResult, ReasonCode } from "../contracts/verdict.ts";
import { hashOf } from "./canonical.ts";
import type { Catalogue, Runbook } from "./catalogue.ts";
import { runbooksFor, whyNot } from "./match.ts";
import { CompileError, compileCollect, compileProbe } from "./compile.ts";
import { parentsOf } from "./dependencies.ts";
import { identify } from "./identity.ts";

export type Classification =
  | {
      kind: "matched";
      runbook: Runbook;
      target: Target;
      /** Equal for alerts that ask for the same remedy of the same target: runbook and compiled probe. */
      joinKey: string;
      severity: Severity;
      probe: ProbeSpec;
      /** Scopes under which its alerts are correlated. */
      places: string[];
      detail: string;
    }
  | { kind: "unmatched"; target: Target | null; places: string[]; code: "NO_RUNBOOK"; detail: string }
  /** A runbook matches, but it cannot be said what to do to which target: a person is told. */
  | { kind: "noTarget"; code: ReasonCode; detail: string; runbook: string | null };

export function classify(catalogue: Catalogue, alert: Alert): Classification {
  const named = nameTarget(catalogue, alert);
  return named.kind === "named" ? compileFor(catalogue, alert, named) : named;
}

export interface Named {
  kind: "named";
  runbook: Runbook;
  target: Target;
  /** By which label. */
  how: string;
}

/** By labels alone: what is matched, and who is named. */
export function nameTarget(catalogue: Catalogue, alert: Alert): Named | Exclude<Classification, { kind: "matched" }> {
  const matching = runbooksFor(catalogue, alert.labels);
  const [runbook, ...others] = matching;
  if (runbook === undefined) {
    const detail = `no runbook of ${catalogue.runbooks.length} matches the alert ${alert.labels["alertname"] ?? "without a name"}`;
    const target = anyTarget(catalogue, alert);
    const places = target === null ? [] : parentsOf(catalogue.inventory, target);
    return { kind: "unmatched", target, places, code: "NO_RUNBOOK", detail };
  }
  if (others.length > 0) {
    const detail = `the runbooks ${matching.map((one) => one.name).join(", ")} all match`;
    return { kind: "noTarget", code: "AMBIGUOUS_RUNBOOK", detail, runbook: null };
  }
  const { kind, from } = runbook.spec.target;
  const identified = identify(catalogue.inventory, kind, alert.labels, from);
  if (identified.target === null) {
    return { kind: "noTarget", code: identified.code, detail: identified.detail, runbook: runbook.name };
  }
  return { kind: "named", runbook, target: identified.target, how: identified.detail };
}

/** Compiles what confirm will need, so that it cannot fail there. */
export function compileFor(catalogue: Catalogue, alert: Alert, { runbook, target, how }: Named): Classification {
  try {
    const probe = compileProbe(catalogue, runbook, target, alert);
    compileCollect(catalogue, runbook, target, alert);
    const joinKey = hashOf([runbook.name, probe as unknown as Json]).slice(0, 32);
    const detail = `runbook ${runbook.name}; ${how}`;
    const places = parentsOf(catalogue.inventory, target);
    return { kind: "matched", runbook, target, joinKey, severity: severityOf(alert.labels), probe, places, detail };
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    return { kind: "noTarget", code: error.code, detail: `${runbook.name}: ${error.message}`, runbook: runbook.name };
  }
}

export type Matched = Extract<Classification, { kind: "matched" }>;

export interface RuleMatch {
  runbook: string;
  matches: boolean;
  /** What stands against the entry that came nearest. */
  why: string;
}

/** Rules that a result names: of many runbooks those that match, then those that are first in the catalogue. */
const MAX_RULES = 20;

/** The one result of an alert that no plan can be made for: why not, and what each runbook said to its labels. */
export function resultOf(
  catalogue: Catalogue,
  alert: Alert,
  { code, detail }: { code: ReasonCode; detail: string },
): GuardrailResult {
  const rules = explainMatch(catalogue, alert).sort((a, b) => Number(b.matches) - Number(a.matches));
  const shown = rules.slice(0, MAX_RULES).map((rule) => ({ ...rule, why: rule.why.slice(0, MAX_WHY) }));
  const saw = { labels: alert.labels, rules: shown, notShown: rules.length - shown.length };
  return { guardrail: "classify", outcome: "refuse", code, detail, saw };
}

const MAX_WHY = 300;

/** Why each runbook does or does not match. */
export function explainMatch(catalogue: Catalogue, alert: Alert): RuleMatch[] {
  return catalogue.runbooks.map((runbook) => {
    const why = whyNot(runbook, alert.labels);
    return { runbook: runbook.name, matches: why === null, why: why ?? "every label of an entry matches" };
  });
}

/** For an alert that no runbook matches: the target that the labels of any runbook would name, if they agree. */
function anyTarget(catalogue: Catalogue, alert: Alert): Target | null {
  const named = new Set<Target>();
  for (const { kind, from } of questionsOf(catalogue)) {
    const { target } = identify(catalogue.inventory, kind, alert.labels, from);
    if (target !== null) named.add(target);
  }
  return named.size === 1 ? ([...named][0] ?? null) : null;
}

type Question = Pick<Runbook["spec"]["target"], "kind" | "from">;
const questions = new WeakMap<Catalogue, Question[]>();

/** By which labels the runbooks name their targets, each way once. */
function questionsOf(catalogue: Catalogue): Question[] {
  const known = questions.get(catalogue);
  if (known !== undefined) return known;
  const all = catalogue.runbooks.map(({ spec: { target } }): [string, Question] => {
    const { kind, from } = target;
    return [JSON.stringify([kind, from]), { kind, from }];
  });
  const made = [...new Map(all).values()];
  questions.set(catalogue, made);
  return made;
}
