/** What the checks share. */
import type { RecordSnapshot, SnapshotRemediation } from "../../record/snapshot.ts";
import type { Exception } from "./reconcile.ts";

export const show = (id: string): string => `selfheal remediation show ${id.slice(0, 13)}`;
export const DOCTOR = "selfheal doctor";

/** An exception about a remediation. */
export function about(
  kind: Exception["kind"],
  { remediationId, target }: Pick<SnapshotRemediation, "remediationId" | "target">,
  sentence: string,
): Exception {
  return { kind, about: `${target.id} ${remediationId}`, sentence, next: show(remediationId) };
}

/** About something that no remediation answers for. */
export function unowned(kind: Exception["kind"], what: string, sentence: string, next = DOCTOR): Exception {
  return { kind, about: what, sentence, next };
}

export const isHealthyEnd = ({ outcome }: SnapshotRemediation): boolean =>
  outcome === "healed" || outcome === "recovered";

/** Closed, and a person knows that there is something to do. */
export const isLeftToPerson = (remediation: SnapshotRemediation): boolean =>
  remediation.closedAt !== null && remediation.needsHuman;

export function byId(record: RecordSnapshot): Map<string, SnapshotRemediation> {
  return new Map(record.remediations.map((one) => [one.remediationId, one]));
}

/** The newest remediation of each target. */
export function newestByTarget(record: RecordSnapshot): Map<string, SnapshotRemediation> {
  return new Map(record.remediations.map((one) => [one.target.id, one]));
}

/** `3 tickets`, `1 ticket`. */
export const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;

/** `48 healed, 2 escalated`; the most frequent first. */
export function tally(words: readonly string[]): string {
  const groups = [...Map.groupBy(words, (word) => word)].sort(([, a], [, b]) => b.length - a.length);
  return groups.map(([word, all]) => `${all.length} ${word}`).join(", ");
}
