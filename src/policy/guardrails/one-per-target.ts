import { pass, stop, type Guardrail } from "../guardrail.ts";

/** One remediation a target. Another open one is waited for: afterwards the target is probed afresh. */
export const onePerTarget: Guardrail = {
  name: "one-per-target",
  counted: true,
  evaluate(plan, { counted: { openElsewhere } }) {
    const saw = { openElsewhere };
    if (openElsewhere === null) return pass("one-per-target", "no other remediation of this target is open", saw);
    const detail = `remediation ${openElsewhere} of ${plan.target.id} is open`;
    return stop("one-per-target", "wait", "ALREADY_OPEN", detail, saw);
  },
};
