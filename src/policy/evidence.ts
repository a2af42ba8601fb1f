/** What closed remediations show about a runbook in a group: pure, over cases that the record has read. */
import type { Case } from "../contracts/autonomy.ts";

export interface Evidence {
  runbook: string;
  group: string;
  cases: number;
  /** Observed, by what it would have done. */
  wouldAct: number;
  wouldAsk: number;
  wouldRefuse: number;
  /** Of those that would have acted or asked: how the alert ended. */
  ended: { byItself: number; later: number; notYet: number };
  /** From the verdict to the end of the alert, of those that ended; null: none did. */
  medianMs: number | null;
  reviewed: { good: number; falsePositive: number; masking: number };
  approved: number;
  rejected: number;
  healed: number;
  failed: number;
  agreed: number;
  disagreed: number;
  /** agreed / (agreed + disagreed); null: nothing was judged. */
  agreement: number | null;
}

export type Judged = "agreed" | "disagreed" | null;

/**
 * Did people agree? A review says it. Else the decision on its plan does. Else, of one that only observed, a fault that
 * passed by itself within the runbook's flapWindow: it needed no remedy. null: nobody can tell.
 */
export function judged(one: Case): Judged {
  if (one.review !== null) return one.review === "good" ? "agreed" : "disagreed";
  if (one.rejected) return "disagreed";
  if (one.approved) return "agreed";
  return wouldHave(one) && endOf(one) === "byItself" ? "disagreed" : null;
}

function wouldHave({ would }: Case): boolean {
  return would === "act" || would === "review" || would === "wait";
}

function endOf(one: Case): keyof Evidence["ended"] {
  const ms = endedAfterMs(one);
  if (ms === null) return "notYet";
  return ms <= (one.flapWindowMs ?? 0) ? "byItself" : "later";
}

/** Not before the verdict: the source's clock is another. */
function endedAfterMs({ endedAt, closedAt }: Case): number | null {
  return endedAt === null ? null : Math.max(0, Date.parse(endedAt) - Date.parse(closedAt));
}

/** By runbook and group, in the order of their names. */
export function evidenceOf(cases: readonly Case[]): Evidence[] {
  const groups = Map.groupBy(cases, (one) => JSON.stringify([one.runbook, one.group]));
  const sorted = [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([, all]) => sumOf(all));
}

function sumOf(all: readonly Case[]): Evidence {
  const count = (holds: (one: Case) => boolean): number => all.filter(holds).length;
  const followed = all.filter(wouldHave);
  const agreed = count((one) => judged(one) === "agreed");
  const disagreed = count((one) => judged(one) === "disagreed");
  return {
    runbook: all[0]?.runbook ?? "",
    group: all[0]?.group ?? "",
    cases: all.length,
    wouldAct: count(({ would }) => would === "act" || would === "wait"),
    wouldAsk: count(({ would }) => would === "review"),
    wouldRefuse: count(({ would }) => would === "refuse"),
    ended: {
      byItself: followed.filter((one) => endOf(one) === "byItself").length,
      later: followed.filter((one) => endOf(one) === "later").length,
      notYet: followed.filter((one) => endOf(one) === "notYet").length,
    },
    medianMs: median(followed.flatMap((one) => endedAfterMs(one) ?? [])),
    reviewed: {
      good: count(({ review }) => review === "good"),
      falsePositive: count(({ review }) => review === "falsePositive"),
      masking: count(({ review }) => review === "masking"),
    },
    approved: count((one) => one.approved),
    rejected: count((one) => one.rejected),
    healed: count(({ outcome }) => outcome === "healed"),
    failed: count(({ outcome }) => outcome === "failed" || outcome === "escalated"),
    agreed,
    disagreed,
    agreement: agreed + disagreed === 0 ? null : agreed / (agreed + disagreed),
  };
}

function median(values: number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
}
