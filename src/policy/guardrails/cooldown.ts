import type { Plan } from "../../contracts/plan.ts";
import type { GuardrailResult } from "../../contracts/verdict.ts";
import { pass, stop, timeOf, unavailable, words, worstOf, type Guardrail } from "../guardrail.ts";

/**
 * The same fix is not made twice on one target within the runbook's cooldown, and no two fixes of any runbooks within the
 * target's. A rest that ends within the plan's patience (`approval.expires`) is waited for and the target probed afresh;
 * a longer one means that the fix did not last, and goes to a person now.
 */
export const cooldown: Guardrail = {
  name: "cooldown",
  counted: true,
  evaluate(plan, { counted: { lastActedAt, shared }, now }) {
    const own = rest(plan, "the same fix was made", lastActedAt, plan.limits.cooldownMs, now);
    const ofTarget = plan.limits.shared?.target.cooldownMs ?? null;
    if (ofTarget === null) return own;
    if (shared === null) return unavailable("cooldown", "what other runbooks did on this target cannot be read");
    const last = shared.targetLastActed;
    return worstOf([own, rest(plan, `${last?.runbook ?? "no runbook"} acted here`, last?.at ?? null, ofTarget, now)]);
  },
};

function rest(plan: Plan, what: string, lastActedAt: string | null, cooldownMs: number, now: string): GuardrailResult {
  const saw = { lastActedAt, cooldownMs };
  if (lastActedAt === null) return pass("cooldown", "nothing was done on this target before", saw);
  const [last, at] = [timeOf(lastActedAt), timeOf(now)];
  if (last === null || at === null) return unavailable("cooldown", "the time of the last fix cannot be read", saw);
  const endsAt = last + cooldownMs;
  const since = `${what} ${words(Math.max(0, at - last))} ago; the cooldown is ${words(cooldownMs)}`;
  if (at >= endsAt) return pass("cooldown", since, saw);
  const until = new Date(endsAt).toISOString();
  if (endsAt - at <= plan.approval.expiresMs) return stop("cooldown", "wait", "COOLDOWN", since, saw, until);
  return stop("cooldown", "refuse", "COOLDOWN", `${since}: the fix did not last, a person must look`, saw);
}
