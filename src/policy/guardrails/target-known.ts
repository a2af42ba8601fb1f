import { UNKNOWN_KIND } from "../../contracts/target.ts";
import { pass, stop, type Guardrail } from "../guardrail.ts";

/** Inventory label by which a team keeps automation away. */
export const OPT_OUT_LABEL = "selfheal";
const OUT = ["off", "false", "no", "never", "disabled"];

/** The target is in the inventory, is the one of the plan, is not nameless, and its owner allows automation. */
export const targetKnown: Guardrail = {
  name: "target-known",
  counted: false,
  evaluate(plan, { target }) {
    const name = "target-known";
    if (target === null) {
      return stop(name, "refuse", "TARGET_UNKNOWN", `${plan.target.kind} ${plan.target.id} is not in the inventory`);
    }
    const { kind, id, labels } = target;
    const saw = { kind, id, label: labels[OPT_OUT_LABEL] ?? null };
    if ([kind, id, plan.target.kind, plan.target.id].some((part) => part.trim() === "")) {
      return stop(name, "refuse", "TARGET_EMPTY", "the target has no kind or no id", saw);
    }
    if (kind === UNKNOWN_KIND) return stop(name, "refuse", "TARGET_UNKNOWN", `nobody could name the target`, saw);
    if (kind !== plan.target.kind || id !== plan.target.id) {
      const detail = `the facts are of ${kind} ${id}, the plan is for ${plan.target.kind} ${plan.target.id}`;
      return stop(name, "refuse", "TARGET_AMBIGUOUS", detail, saw);
    }
    const label = (labels[OPT_OUT_LABEL] ?? "").trim().toLowerCase();
    if (OUT.includes(label)) {
      return stop(name, "refuse", "TARGET_OPTED_OUT", `the inventory labels ${id} with selfheal: ${label}`, saw);
    }
    return pass(name, `${kind} ${id} is in the inventory`, saw);
  },
};
