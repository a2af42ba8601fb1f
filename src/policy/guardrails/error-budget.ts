import { approvers, soFar } from "../approved.ts";
import { isCount, pass, stop, unavailable, words, type Guardrail } from "../guardrail.ts";

/** An automation that failed too often asks a person about every plan, until a person gives it back its freedom. */
export const errorBudget: Guardrail = {
  name: "error-budget",
  counted: true,
  evaluate(plan, { counted }) {
    const { shared } = counted;
    const approvedBy = approvers(plan, counted);
    const limit = plan.limits.shared?.errorBudget ?? null;
    if (limit === null) return pass("error-budget", "no such limit");
    const { scope, max, windowMs } = limit;
    const saw = { scope, failures: shared?.failures ?? null, max, windowMs, approvedBy };
    const open = shared?.breakers.find((one) => one.kind === "errorBudget" && one.scope === scope);
    if (open === undefined && !isCount(shared?.failures)) {
      return unavailable("error-budget", `it is not known how often ${scope} failed`, saw);
    }
    const used = `${shared?.failures ?? 0} of ${max} failures of ${scope} in ${words(windowMs)}`;
    if (open === undefined && (shared?.failures ?? 0) < max) return pass("error-budget", used, saw);
    const detail =
      open === undefined ? used : `the error budget of ${scope} was used up at ${open.trippedAt} (${open.reason})`;
    const trips = open === undefined ? { trips: [{ kind: "errorBudget" as const, scope }] } : {};
    if (approvedBy.length > 0) {
      return { ...pass("error-budget", `${detail}; approved by ${approvedBy.join(", ")}`, saw), ...trips };
    }
    return {
      ...stop("error-budget", "review", "ERROR_BUDGET", `${detail}: a person decides${soFar(plan, counted)}`, saw),
      ...trips,
    };
  },
};
