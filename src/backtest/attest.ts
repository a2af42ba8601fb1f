/** A backtest as evidence for `modes promote` (ADR 50): a runbook as if it were promoted, and what came of it. Pure. */
import type { Catalogue } from "../catalogue/catalogue.ts";
import type { Attestation } from "../contracts/autonomy.ts";
import type { BacktestReport } from "./backtest.ts";
import type { Change } from "./compare.ts";
import { FATES } from "./fate.ts";

/**
 * With these runbooks as a promotion leaves them: their own mode is auto, the group's and the global one still lower it.
 * Their versions stay what they are.
 */
export function promotedIn(catalogue: Catalogue, runbooks: readonly string[]): Catalogue {
  if (runbooks.length === 0) return catalogue;
  return {
    ...catalogue,
    modes: (runbook, target) => {
      const declared = catalogue.modes(runbook, target);
      return runbooks.includes(runbook.name) ? { ...declared, runbook: "auto" } : declared;
    },
  };
}

/**
 * Passed: it acted, and none of `unwanted` came up in the whole comparison. null: the recording has no remediation of
 * the runbook, and says nothing of it.
 */
export function attestedBy(
  { after, comparison, firing, from, to }: BacktestReport,
  runbook: string,
  unwanted: readonly Change[],
): Pick<Attestation, "passed" | "summary"> | null {
  const tally = after.runbooks.find((one) => one.runbook === runbook);
  if (tally === undefined || comparison === null) return null;
  const came = unwanted.filter((change) => comparison.changes[change] > 0);
  const ends = FATES.filter((kind) => tally.fates[kind] > 0).map((kind) => `${tally.fates[kind]} ${kind}`);
  const changes =
    came.length === 0
      ? `none of ${unwanted.join(", ")}`
      : came.map((change) => `${comparison.changes[change]} ${change}`).join(", ");
  const asked = `${tally.approvalsAsked} approvals asked`;
  const span = `${firing} firing alerts from ${from ?? "?"} to ${to ?? "?"}`;
  return {
    passed: tally.fates.acted > 0 && came.length === 0,
    summary: `as if promoted, over ${span}: ${ends.join(", ")}, ${asked}; of all that changed: ${changes}`,
  };
}
