import { isCount, pass, stop, timeOf, unavailable, type Guardrail } from "../guardrail.ts";
import { refuseUnread } from "../outside.ts";

/**
 * Enough members of the group must be left healthy while this plan runs. Not healthy is whatever is in work, was left out
 * of service by a closed remediation, or is out by the word of the load balancer or a health query; and this target.
 * Where ending the work of others would help it is waited for, otherwise a person is told.
 */
export const minHealthy: Guardrail = {
  name: "min-healthy",
  counted: true,
  evaluate(plan, { counted: { shared }, now }) {
    const limit = plan.limits.shared?.minHealthy ?? null;
    if (limit === null) return pass("min-healthy", "no such limit");
    const { members, min, outsideMaxAgeMs } = limit;
    const limits = { scope: limit.scope, members, min };
    if (shared === null || !isCount(members) || members === 0 || !isCount(min)) {
      return unavailable("min-healthy", `it is not known how many of ${limit.scope} are healthy`, limits);
    }
    const { inWork, leftOut, outside } = shared.health;
    const saw = { ...limits, inWork, leftOut, outside: outside === null ? null : { ...outside } };
    if (outsideMaxAgeMs !== null) {
      const need = { guardrail: "min-healthy", what: "it is not known which members are healthy", saw };
      const reading = outside === null ? null : { ...outside, value: outside.unhealthy };
      const at = timeOf(now);
      if (at === null) return unavailable("min-healthy", `the time ${now} cannot be read`, saw);
      const refused = refuseUnread(need, reading, outsideMaxAgeMs, at);
      if (refused !== null) return refused;
    }
    const seen = outsideMaxAgeMs === null ? [] : (outside?.unhealthy ?? []);
    const lasting = new Set([...leftOut, ...seen].filter((id) => id !== plan.target.id && !inWork.includes(id)));
    const left = members - 1 - lasting.size;
    const healthy = left - inWork.filter((id) => id !== plan.target.id).length;
    const detail =
      `${Math.max(0, healthy)} of ${members} in ${limit.scope} would be left healthy, at least ${min} must ` +
      `(${limit.because}): ${inWork.length} in work, ${leftOut.length} left out of service, ${seen.length} seen unhealthy`;
    if (healthy >= min) return pass("min-healthy", detail, saw);
    if (left >= min) return stop("min-healthy", "wait", "MIN_HEALTHY", detail, saw);
    return stop("min-healthy", "refuse", "MIN_HEALTHY", `${detail}: a person must look`, saw);
  },
};
