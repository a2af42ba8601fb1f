import { approvers, soFar } from "../approved.ts";
import { pass, stop, unavailable, type Guardrail } from "../guardrail.ts";

/** A new or changed runbook acts by itself on a share of its targets only, always the same ones, until that is widened. */
export const rollout: Guardrail = {
  name: "rollout",
  counted: true,
  evaluate(plan, { counted }) {
    const limit = plan.limits.shared?.rollout ?? null;
    if (limit === null) return pass("rollout", "this version of the runbook acts on all targets");
    const { percent, bucket } = limit;
    const approvedBy = approvers(plan, counted);
    const saw = { percent, bucket, approvedBy };
    if (![percent, bucket].every((one) => Number.isFinite(one) && one >= 0 && one <= 100)) {
      return unavailable("rollout", "the share of targets cannot be read", saw);
    }
    const detail = `this version acts on ${percent}% of the targets; ${plan.target.id} lies at ${bucket.toFixed(2)}`;
    if (bucket < percent) return pass("rollout", detail, saw);
    if (approvedBy.length > 0) return pass("rollout", `${detail}; approved by ${approvedBy.join(", ")}`, saw);
    return stop("rollout", "review", "ROLLOUT", `${detail}: a person decides${soFar(plan, counted)}`, saw);
  },
};
