import { isCount, pass, stop, timeOf, unavailable, words, type Guardrail } from "../guardrail.ts";

/** A fault that recovers and fires again is left alone, longer each time, and goes to a person when it goes on. */
export const flapping: Guardrail = {
  name: "flapping",
  counted: true,
  evaluate(plan, { counted: { shared }, now }) {
    const limit = plan.limits.shared?.flapping ?? null;
    if (limit === null) return pass("flapping", "no such limit");
    const { from, person, windowMs, backoffMs } = limit;
    const { count, lastAt } = shared?.firings ?? { count: null, lastAt: null };
    const saw = { firings: count, lastAt, from, person, windowMs, backoffMs };
    if (!isCount(count)) return unavailable("flapping", "it is not known how often the fault fired", saw);
    const detail = `the same fault fired ${count} times in ${words(windowMs)}`;
    if (count < from) return pass("flapping", detail, saw);
    if (count >= person) return stop("flapping", "refuse", "FLAPPING", `${detail}: a person must look`, saw);
    const [last, at] = [lastAt === null ? null : timeOf(lastAt), timeOf(now)];
    if (last === null || at === null) return unavailable("flapping", "it is not known when the fault fired last", saw);
    // `person` is at most 50, so this stays a number of milliseconds that a date can hold.
    const endsAt = last + Math.min(backoffMs * 2 ** (count - from), windowMs);
    if (at >= endsAt) return pass("flapping", `${detail}, and it has lasted for ${words(at - last)} now`, saw);
    const until = new Date(endsAt).toISOString();
    return stop("flapping", "wait", "FLAPPING", `${detail}: left alone until ${until}`, saw, until);
  },
};
