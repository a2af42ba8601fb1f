/** One runbook test decided: by the classification, the compiler, the counting and the policy that production runs. */
import type { Alert } from "../../contracts/alert.ts";
import type { ProbeReading } from "../../contracts/probe.ts";
import type { Plan } from "../../contracts/plan.ts";
import type { Target } from "../../contracts/target.ts";
import type { GuardrailResult, VerdictOutcome } from "../../contracts/verdict.ts";
import type { Catalogue } from "../../catalogue/catalogue.ts";
import { classify, resultOf } from "../../catalogue/classify.ts";
import { consider } from "../../catalogue/consider.ts";
import { parentsOf } from "../../catalogue/dependencies.ts";
import type { RunbookTest } from "../../catalogue/grammar/runbook-test.ts";
import { decide } from "../../policy/verdict.ts";
import { faultKey } from "../../contracts/ids.ts";
import { alertOfLabels } from "../../starters/sources/bounds.ts";
import { countedFrom } from "../history/counted.ts";
import { History, targetKey } from "../history/history.ts";

export interface Decided {
  runbook: string | null;
  target: string | null;
  verdict: VerdictOutcome;
  results: GuardrailResult[];
  /** `rung/step`; empty without a plan. */
  steps: string[];
}

/** A fact names something that the catalogue does not have. */
export class UnknownFact extends Error {
  /** Below `facts`. */
  readonly path: (string | number)[];
  constructor(message: string, path: (string | number)[]) {
    super(message);
    this.path = path;
  }
}

/** Of the remediation that is decided. */
const MINE = "this";
const MINUTE_MS = 60_000;

/** Throws UnknownFact. */
export function decideTest(catalogue: Catalogue, test: RunbookTest): Decided {
  const { facts } = test;
  const alerts = test.alerts.map(({ labels }) => alertOfLabels(labels, facts.now));
  const [alert] = alerts as [Alert, ...Alert[]];
  const classified = classify(catalogue, alert);
  if (classified.kind !== "matched") {
    const runbook = classified.kind === "noTarget" ? classified.runbook : null;
    return { runbook, target: null, verdict: "refuse", results: [resultOf(catalogue, alert, classified)], steps: [] };
  }
  const { runbook, target } = classified;
  const about = { runbook: runbook.name, target: `${target.kind}/${target.id}` };
  const considered =
    facts.collected === null
      ? { kind: "noPlan" as const, code: "FACTS_UNAVAILABLE" as const, detail: "the evidence could not be collected" }
      : consider(catalogue, classified, alerts, facts.collected);
  if (considered.kind === "noPlan") {
    const { code, detail } = considered;
    const results: GuardrailResult[] = [{ guardrail: "plan", outcome: "refuse", code, detail, saw: {} }];
    return { ...about, verdict: "refuse", results, steps: [] };
  }
  const { plan, planHash } = considered;
  const history = historyOf(catalogue, test, { plan, planHash, alerts, target });
  const counted = countedFrom({ history, id: MINE, plan, planHash, now: Date.parse(facts.now) });
  const reading: ProbeReading = {
    probe: plan.probe.name,
    state: facts.probe,
    reason: "as the test says",
    measured: {},
    at: facts.now,
  };
  const modes = { ...considered.facts.modes, ...(facts.mode === undefined ? {} : { global: facts.mode }) };
  const verdict = decide(plan, { ...considered.facts, modes, now: facts.now, reading, counted });
  const steps = plan.rungs.flatMap((rung) => rung.steps.map((step) => `${rung.name}/${step.id}`));
  return { ...about, verdict: verdict.outcome, results: verdict.results, steps };
}

interface Deciding {
  plan: Plan;
  planHash: string;
  alerts: readonly Alert[];
  target: Target;
}

/** The past that the facts tell of. */
function historyOf(catalogue: Catalogue, { facts }: RunbookTest, deciding: Deciding): History {
  const { plan, planHash, alerts, target } = deciding;
  const now = Date.parse(facts.now);
  const history = new History(catalogue.standingApprovals);
  const byId = finder(catalogue, target.kind);
  const past = facts.acted.map((one, index) => ({
    ...one,
    of: byId(one.target, ["acted", index, "target"]),
    id: `acted-${index}`,
  }));
  for (const { of, id, runbook, ago } of past.sort((a, b) => b.ago - a.ago)) {
    const other = { ...plan, runbook, target: of };
    enter(history, other, id, now - ago);
    history.close(id, { outcome: "healed", leftOut: false }, now - ago);
  }
  for (const [index, name] of facts.leftOut.entries()) {
    const id = `leftOut-${index}`;
    enter(history, { ...plan, runbook: OTHER, target: byId(name, ["leftOut", index]) }, id, now);
    history.close(id, { outcome: "cancelled", leftOut: true }, now);
  }
  for (const [index, name] of facts.inWork.entries()) {
    enter(history, { ...plan, runbook: OTHER, target: byId(name, ["inWork", index]) }, `inWork-${index}`, now);
  }
  for (const [index, name] of facts.alerting.entries()) {
    const alerting = placed(catalogue, byId(name, ["alerting", index]));
    const alert = alertOfLabels({ alertname: OTHER, id: alerting.id }, facts.now);
    history.receive({ key: faultKey(alert), fingerprint: alert.fingerprint, target: alerting }, now);
  }
  for (const alert of alerts) {
    for (let before = facts.fired - 1; before >= 0; before--) {
      const startsAt = new Date(now - before * MINUTE_MS).toISOString();
      const fault = {
        key: faultKey({ ...alert, startsAt }),
        fingerprint: alert.fingerprint,
        target: placed(catalogue, target),
      };
      history.receive(fault, now - before * MINUTE_MS);
    }
  }
  const fingerprints = alerts.map((alert) => alert.fingerprint);
  history.opened({ id: MINE, target: targetKey(target), runbook: plan.runbook, group: target.group, fingerprints });
  const unhealthy = facts.unhealthy.map((name, index) => byId(name, ["unhealthy", index]).id).sort();
  history.outside.set(`${target.kind} ${target.group}`, { at: facts.now, unhealthy, detail: "as the test says" });
  const said = { reason: "as the test says", by: "the test", at: facts.now, until: null };
  for (const scope of facts.paused) history.pauses.push({ id: scope, scope, ...said });
  const expiresAt = now + plan.approval.expiresMs;
  for (const person of facts.approvedBy) history.approve(MINE, { person, planHash, at: now, expiresAt });
  return history;
}

function placed({ inventory }: Catalogue, target: Target): Target & { places: string[] } {
  return { ...target, places: parentsOf(inventory, target) };
}

/** The runbook of work that is not this one's. */
const OTHER = "another-runbook";

function enter(history: History, plan: Plan, id: string, at: number): void {
  const { runbook, target } = plan;
  history.opened({ id, target: targetKey(target), runbook, group: target.group, fingerprints: [] });
  // It counts in the places of its own target, not in those that this plan caps.
  history.admit(id, { ...plan, limits: { ...plan.limits, caps: [] } }, at);
  history.acted(id);
}

function finder({ inventory }: Catalogue, kind: string) {
  return (id: string, path: (string | number)[]): Target => {
    const found = inventory.targets.find((one) => one.kind === kind && one.id === id);
    if (found !== undefined) return found;
    throw new UnknownFact(`the inventory has no ${kind} ${id}`, path);
  };
}
