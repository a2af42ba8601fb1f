import { isCount, pass, stop, unavailable, words, type Guardrail } from "../guardrail.ts";

/** The runbook acts at most so often in its window, over all targets. */
export const rate: Guardrail = {
  name: "rate",
  counted: true,
  evaluate(plan, { counted }) {
    const { rate: limit } = plan.limits;
    if (limit === null) return pass("rate", "the runbook has no rate");
    const saw = { used: counted.rateUsed, max: limit.max, windowMs: limit.windowMs };
    if (!isCount(counted.rateUsed)) return unavailable("rate", "the runbook's rate cannot be read", saw);
    const detail = `${plan.runbook} acted ${counted.rateUsed} of ${limit.max} times in ${words(limit.windowMs)}`;
    return counted.rateUsed < limit.max ? pass("rate", detail, saw) : stop("rate", "wait", "RATE", detail, saw);
  },
};
