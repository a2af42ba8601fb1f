import type { Mode } from "../../contracts/facts.ts";
import { approvers, soFar } from "../approved.ts";
import { pass, stop, unavailable, type Guardrail } from "../guardrail.ts";

const LADDER: readonly Mode[] = ["observe", "review", "auto"];

/**
 * The lowest of the global, the group's and the runbook's mode. A standing approval does not lift `review`. Counted, so
 * that a mode that was lowered since the forecast holds at admission.
 */
export const mode: Guardrail = {
  name: "mode",
  counted: "evenUnread",
  evaluate(plan, { modes, counted }) {
    const saw = { ...modes };
    const levels = [modes.global, modes.group, modes.runbook].map((one) => LADDER.indexOf(one));
    if (levels.includes(-1)) return unavailable("mode", "a mode cannot be read", saw);
    const lowest = LADDER[Math.min(...levels)] ?? "observe";
    const from = (["global", "group", "runbook"] as const).filter((scope) => modes[scope] === lowest).join(" and ");
    if (lowest === "observe") return stop("mode", "observe", "MODE_OBSERVE", `the ${from} mode is observe`, saw);
    if (lowest === "auto") return pass("mode", "the mode is auto", saw);
    const approvedBy = approvers(plan, counted);
    if (approvedBy.length > 0) {
      return pass("mode", `the ${from} mode is review, and ${approvedBy.join(", ")} approved this plan`, {
        ...saw,
        approvedBy,
      });
    }
    return stop(
      "mode",
      "review",
      "MODE_REVIEW",
      `the ${from} mode is review: a person decides${counted === null ? "" : soFar(plan, counted)}`,
      saw,
    );
  },
};
