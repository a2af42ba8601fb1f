import { approvers, soFar } from "../approved.ts";
import { pass, stop, type Guardrail } from "../guardrail.ts";

/** What touches security needs a person's approval of this very plan; a standing approval does not do. */
export const security: Guardrail = {
  name: "security",
  counted: true,
  evaluate(plan, { counted }) {
    const why = plan.limits.shared?.security ?? null;
    if (why === null) return pass("security", "neither runbook nor alert is tagged as a matter of security");
    const approvedBy = approvers(plan, counted);
    const saw = { why, approvedBy };
    if (approvedBy.length > 0) return pass("security", `${why}; approved by ${approvedBy.join(", ")}`, saw);
    return stop("security", "review", "SECURITY_APPROVAL", `${why}: a person decides${soFar(plan, counted)}`, saw);
  },
};
