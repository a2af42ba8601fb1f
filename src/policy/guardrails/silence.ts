import { pass, stop, timeOf, unavailable, type Guardrail } from "../guardrail.ts";
import { refuseUnread } from "../outside.ts";

/** Where a person has silenced this target somebody is at work: waited for, until the last such silence ends. */
export const silence: Guardrail = {
  name: "silence",
  counted: true,
  evaluate(plan, { counted: { surroundings }, now }) {
    const maxAgeMs = plan.limits.surroundings?.silencesMaxAgeMs ?? null;
    if (maxAgeMs === null) return pass("silence", "silences are not asked for");
    const at = timeOf(now);
    if (at === null) return unavailable("silence", `the time ${now} cannot be read`);
    const reading = surroundings?.silences ?? null;
    const need = { guardrail: "silence", what: "it is not known who has silenced this target" };
    const refused = refuseUnread(need, reading, maxAgeMs, at);
    if (refused !== null) return refused;
    const silences = reading?.value ?? [];
    const unread = silences.find(({ endsAt }) => timeOf(endsAt) === null);
    if (unread !== undefined) return unavailable("silence", `the end of silence ${unread.id} cannot be read`);
    const active = silences.filter(({ endsAt }) => Date.parse(endsAt) > at);
    if (active.length === 0) return pass("silence", "no person has silenced this target", { at: reading?.at ?? null });
    const detail = active.map((one) => `silenced by ${one.by} until ${one.endsAt}: ${one.comment}`).join("; ");
    const saw = { at: reading?.at ?? null, silences: active.map(({ id, by, endsAt }) => ({ id, by, endsAt })) };
    const until = new Date(Math.max(...active.map(({ endsAt }) => Date.parse(endsAt)))).toISOString();
    return stop("silence", "wait", "SILENCED", detail, saw, until);
  },
};
