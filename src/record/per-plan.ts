import type { Plan } from "../contracts/plan.ts";

/** Makes it once for each plan: nobody changes a plan, nor what was made of it. */
export function perPlan<T>(make: (plan: Plan) => T): (plan: Plan) => T {
  const known = new WeakMap<Plan, T>();
  return (plan) => {
    const before = known.get(plan);
    if (before !== undefined) return before;
    const made = make(plan);
    known.set(plan, made);
    return made;
  };
}
