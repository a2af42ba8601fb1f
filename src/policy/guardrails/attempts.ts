import { isCount, pass, stop, unavailable, words, type Guardrail } from "../guardrail.ts";

/** A target that needs the same fix again and again hides a deeper fault: it goes to a person. */
export const attempts: Guardrail = {
  name: "attempts",
  counted: true,
  evaluate(plan, { counted }) {
    const { max, windowMs } = plan.limits.attempts;
    const saw = { attempts: counted.attempts, max, windowMs };
    if (!isCount(counted.attempts)) return unavailable("attempts", "the number of attempts cannot be read", saw);
    const detail = `${counted.attempts} of ${max} attempts in ${words(windowMs)} were made on ${plan.target.id}`;
    if (counted.attempts < max) return pass("attempts", detail, saw);
    return stop("attempts", "refuse", "ATTEMPTS_EXHAUSTED", `${detail}: a person must look`, saw);
  },
};
