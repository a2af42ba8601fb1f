/** An explanation for people. */
import type { Explanation } from "../catalogue/explain.ts";
import { givenText } from "../catalogue/given.ts";
import type { PartialResult } from "../policy/partial.ts";
import type { ExplainAnswer } from "../starters/explain.ts";
import { table } from "./output.ts";

export function explanationText({ recorded, now }: ExplainAnswer): string {
  const { alert, rules, classification, target, facts, guardrails, plan, would } = now;
  const labels = Object.entries(alert.labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const parts = [
    `Alert ${alert.fingerprint}: ${labels.join(" ")}`,
    recorded === null ? "" : recordedText(recorded),
    `Rules:\n${table(
      ["runbook", "matches", "why"],
      rules.map((rule) => [rule.runbook, rule.matches ? "yes" : "no", rule.why]),
    )}`,
    `Target: ${target === null ? "none" : targetText(target)} (${classification.code === "OK" ? "" : `${classification.code}: `}${classification.detail})`,
    guardrails === null ? "" : `Facts:\n${facts.map(({ fact, detail }) => `  ${fact}: ${detail}`).join("\n")}`,
    guardrails === null
      ? ""
      : `Guardrails:\n${table(["guardrail", "says", "code", "what it saw"], guardrails.map(row))}`,
    plan === null ? "" : planText(plan),
    `Now: ${would.outcome}. ${would.detail}`,
    `Catalogue ${now.catalogue.slice(0, 12)}`,
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

function recordedText({ remediationId, outcome, verdict, planHash }: NonNullable<ExplainAnswer["recorded"]>): string {
  const without = outcome === null ? "nothing was decided yet" : "closed without a verdict";
  const decided = verdict === null ? without : `${verdict.outcome} at ${verdict.at}`;
  const against = (verdict?.results ?? [])
    .filter((one) => one.outcome !== "pass")
    .map(({ code, detail }) => `  ${code}: ${detail}`);
  const head = `Recorded: remediation ${remediationId}, ${outcome ?? "open"}; ${decided}; plan ${planHash ?? "none"}`;
  return [head, ...against].join("\n");
}

function targetText({
  kind,
  id,
  group,
  rack,
  region,
  services,
  owner,
  stateless,
}: NonNullable<Explanation["target"]>): string {
  const places = [`group ${group}`, rack === null ? "" : `rack ${rack}`, region === null ? "" : `region ${region}`];
  const rest = [
    ...places,
    ...services.map((one) => `service ${one}`),
    `owner ${owner}`,
    stateless ? "stateless" : "stateful",
  ];
  return `${kind}/${id}, ${rest.filter((part) => part !== "").join(", ")}`;
}

function row(result: PartialResult): string[] {
  if (result.outcome === "notRead") return [result.guardrail, "not read", "", `needs ${result.needs.join(", ")}`];
  return [result.guardrail, result.outcome, result.code, result.detail];
}

function planText({ plan, hash }: NonNullable<Explanation["plan"]>): string {
  const steps = plan.rungs.flatMap((rung) =>
    rung.steps.map((step) => [`${rung.name}/${step.id}`, step.uses, step.risk, givenText(step.uses, step.with)]),
  );
  const title = hash === null ? "Plan, a sketch without a hash: its evidence was not read" : `Plan ${hash}`;
  return `${title}:\n${table(["step", "action", "risk", "with"], steps)}`;
}
