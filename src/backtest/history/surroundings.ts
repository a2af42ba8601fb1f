/**
 * What goes on around a target, from memory. No recording of alerts tells of silences, windows opened by hand, holds of
 * other systems and objectives: there are none, and no budget is burnt. The report says so.
 */
import type { SurroundingFacts, SurroundingLimits } from "../../contracts/surroundings.ts";
import { relatedScopes } from "../../record/scopes.ts";
import { iso } from "./admissions.ts";
import type { About, Each } from "./counted.ts";
import { targetKey } from "./history.ts";

export const SURROUNDING: Each<SurroundingFacts, About & { surroundings: SurroundingLimits }> = {
  windows: () => [],
  dependencyWindows: () => [],
  busy: ({ history, id, plan, surroundings }) =>
    relatedScopes(plan, surroundings.dependsOn)
      .map((scope) => ({ scope, ...history.leases.members(scope, id, targetKey(plan.target)) }))
      .filter(({ inWork }) => inWork.length > 0)
      .map(({ scope, inWork, leftOut }) => ({
        scope,
        targets: inWork.map((target) => target.replace(" ", "/")).sort(),
        held: inWork.length + leftOut.length,
      }))
      .sort((a, b) => (a.scope < b.scope ? -1 : 1)),
  silences: ({ now }) => ({ at: iso(now), value: [], detail: "" }),
  slos: ({ now, surroundings }) =>
    Object.fromEntries(
      surroundings.slos.map(({ name }) => [name, { at: iso(now), value: { window: 0, recent: 0 }, detail: "" }]),
    ),
  holds: () => [],
  leases: ({ now }) => ({ at: iso(now), value: [], detail: "" }),
  correlated: ({ history, now, surroundings: { correlation } }) =>
    Object.fromEntries(
      (correlation?.parents ?? []).map(({ scope, windowMs }) => {
        const since = Math.max(now - windowMs, history.resets.get(`correlation ${scope}`) ?? Number.NEGATIVE_INFINITY);
        return [scope, history.alertedIn.of(scope).countSince(since, windowMs)];
      }),
    ),
  latches: ({ history, surroundings: { correlation } }) => {
    const scopes = (correlation?.parents ?? []).map((one) => one.scope);
    return history.breakers.filter((one) => one.kind === "correlation" && scopes.includes(one.scope));
  },
  alertedAt: ({ history, id, surroundings: { correlation } }) => {
    const at = correlation === null ? null : (history.remediation(id)?.alertedAt ?? null);
    return at === null ? null : iso(at);
  },
};
