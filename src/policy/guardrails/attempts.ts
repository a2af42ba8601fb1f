import type { GuardrailResult } from "../../contracts/verdict.ts";
import { isCount, pass, stop, unavailable, words, worstOf, type Guardrail } from "../guardrail.ts";

/** A target that needs the same fix again and again, or one fix after the other, hides a deeper fault: a person. */
export const attempts: Guardrail = {
  name: "attempts",
  counted: true,
  evaluate(plan, { counted }) {
    const { limits, runbook, target } = plan;
    const own = tried(counted.attempts, limits.attempts, `${runbook} on ${target.id}`);
    const all = limits.shared?.target.attempts ?? null;
    if (all === null) return own;
    return worstOf([own, tried(counted.shared?.targetAttempts, all, `all runbooks on ${target.id}`)]);
  },
};

function tried(
  made: number | undefined,
  { max, windowMs }: { max: number; windowMs: number },
  who: string,
): GuardrailResult {
  const saw = { attempts: made ?? null, max, windowMs };
  if (!isCount(made)) return unavailable("attempts", `the attempts of ${who} cannot be read`, saw);
  const detail = `${made} of ${max} attempts in ${words(windowMs)} were made by ${who}`;
  if (made < max) return pass("attempts", detail, saw);
  return stop("attempts", "refuse", "ATTEMPTS_EXHAUSTED", `${detail}: a person must look`, saw);
}
