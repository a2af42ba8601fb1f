/** Which runbooks an alert's labels match. */
import type { Catalogue, Runbook } from "./catalogue.ts";
import { evaluateCondition } from "./expression.ts";

export function runbooksFor({ runbooks }: Catalogue, labels: Record<string, string>): Runbook[] {
  return runbooks.filter(({ spec }) => spec.match.some((entry) => matchesEntry(entry, labels)));
}

/** null: it matches. Else what stands against the entry that came nearest. */
export function whyNot(runbook: Runbook, labels: Record<string, string>): string | null {
  let nearest: string[] | null = null;
  for (const entry of runbook.spec.match) {
    const against = Object.entries(entry).flatMap(([label, matcher]) => against1(label, matcher, labels) ?? []);
    if (against.length === 0) return null;
    if (nearest === null || against.length < nearest.length) nearest = against;
  }
  return (nearest ?? ["it has no entry"]).join(", ");
}

type Matcher = string | { matches: string };

function against1(label: string, matcher: Matcher, labels: Record<string, string>): string | null {
  const value = Object.hasOwn(labels, label) ? (labels[label] ?? "") : null;
  const has = value === null ? `there is no label ${label}` : `${label} is ${JSON.stringify(value)}`;
  if (typeof matcher === "string") return value === matcher ? null : `${has}, not ${JSON.stringify(matcher)}`;
  return value !== null && matchesWhole(value, matcher.matches)
    ? null
    : `${has}, which does not match ${matcher.matches}`;
}

/** Plain texts first: they are cheap, and nearly every entry has one. */
function matchesEntry(entry: Readonly<Record<string, Matcher>>, labels: Record<string, string>): boolean {
  for (const label in entry) {
    const matcher = entry[label];
    if (typeof matcher === "string" && !(Object.hasOwn(labels, label) && labels[label] === matcher)) return false;
  }
  for (const label in entry) {
    const matcher = entry[label];
    if (
      typeof matcher === "object" &&
      !(Object.hasOwn(labels, label) && matchesWhole(labels[label] ?? "", matcher.matches))
    ) {
      return false;
    }
  }
  return true;
}

/** What was matched lately: an expression is compiled at each look, and the same few values come again and again. */
const matched = new Map<string, boolean>();
const MAX_MATCHED = 10_000;

/** RE2 over the whole value, as Prometheus matches labels: linear in time, whatever the pattern. */
export function matchesWhole(value: string, pattern: string): boolean {
  const key = JSON.stringify([pattern, value]);
  const known = matched.get(key);
  if (known !== undefined) return known;
  const result = evaluateCondition("value.matches(pattern)", { value, pattern: `^(?s:${pattern})$` });
  if (matched.size >= MAX_MATCHED) matched.clear();
  matched.set(key, result.ok && result.value);
  return result.ok && result.value;
}
