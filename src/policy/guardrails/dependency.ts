import { pass, stop, timeOf, unavailable, worstOf, type Guardrail } from "../guardrail.ts";
import { waitFor, windowsAt } from "./window.ts";

/**
 * While something that the target depends on, or that depends on it, is in work (a remediation, or a migration or
 * deployment that has opened a window), this one waits: the database is not restarted under a migration.
 */
export const dependency: Guardrail = {
  name: "dependency",
  counted: true,
  evaluate(plan, { counted: { surroundings }, now }) {
    const limits = plan.limits.surroundings;
    if (limits === undefined) return pass("dependency", "the plan knows no dependencies");
    const { dependsOn, dependencyWindows } = limits;
    const at = timeOf(now);
    if (surroundings === null || at === null) {
      return unavailable("dependency", "it is not known what is in work around this target", { dependsOn });
    }
    const open = windowsAt(dependencyWindows, surroundings.dependencyWindows, at);
    const waits = [
      ...surroundings.busy.map(({ scope, targets }) => {
        const detail = `${targets.join(", ")} in work: ${relation(scope)}`;
        return stop("dependency", "wait", "DEPENDENCY", detail, { dependsOn, scope, targets });
      }),
      ...open.map((one) => waitFor("dependency", "DEPENDENCY", one)),
    ];
    if (waits.length > 0) return worstOf(waits);
    return pass("dependency", "nothing that it depends on, or that depends on it, is in work", { dependsOn });
  },
};

function relation(scope: string): string {
  return scope.startsWith("needs:") ? `it depends on ${scope.slice("needs:".length)}` : `this depends on ${scope}`;
}
