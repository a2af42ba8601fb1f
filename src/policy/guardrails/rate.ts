import { isCount, pass, stop, timeOf, unavailable, words, type Guardrail } from "../guardrail.ts";

/** The runbook acts at most so often in its window, over all targets; a place is free when the oldest has left it. */
export const rate: Guardrail = {
  name: "rate",
  counted: true,
  evaluate(plan, { counted }) {
    const { rate: limit } = plan.limits;
    if (limit === null) return pass("rate", "the runbook has no rate");
    const saw = { used: counted.rateUsed, max: limit.max, windowMs: limit.windowMs };
    if (!isCount(counted.rateUsed)) return unavailable("rate", "the runbook's rate cannot be read", saw);
    const detail = `${plan.runbook} acted ${counted.rateUsed} of ${limit.max} times in ${words(limit.windowMs)}`;
    if (counted.rateUsed < limit.max) return pass("rate", detail, saw);
    const since = counted.rateSince === null ? null : timeOf(counted.rateSince);
    const until = since === null ? undefined : new Date(since + limit.windowMs).toISOString();
    return stop("rate", "wait", "RATE", detail, saw, until);
  },
};
