import { pass, stop, timeOf, unavailable, words, type Guardrail } from "../guardrail.ts";

/**
 * The same fix is not made twice on one target within the cooldown. A rest that ends within the plan's patience
 * (`approval.expires`) is waited for and the target probed afresh; a longer one means that the fix did not last, and
 * goes to a person now.
 */
export const cooldown: Guardrail = {
  name: "cooldown",
  counted: true,
  evaluate(plan, { counted: { lastActedAt }, now }) {
    const { cooldownMs } = plan.limits;
    const saw = { lastActedAt, cooldownMs };
    if (lastActedAt === null) return pass("cooldown", "this runbook never acted on this target", saw);
    const [last, at] = [timeOf(lastActedAt), timeOf(now)];
    if (last === null || at === null) return unavailable("cooldown", "the time of the last fix cannot be read", saw);
    const endsAt = last + cooldownMs;
    const agoMs = Math.max(0, at - last);
    const since = `the same fix was made ${words(agoMs)} ago; the cooldown is ${words(cooldownMs)}`;
    if (at >= endsAt) return pass("cooldown", since, saw);
    const until = new Date(endsAt).toISOString();
    if (endsAt - at <= plan.approval.expiresMs) return stop("cooldown", "wait", "COOLDOWN", since, saw, until);
    return stop("cooldown", "refuse", "COOLDOWN", `${since}: the fix did not last, a person must look`, saw);
  },
};
