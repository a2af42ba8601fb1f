import { pass, stop, unavailable, type Guardrail } from "../guardrail.ts";

/** The runbook's `require`. What cannot be evaluated is not met. */
export const requirement: Guardrail = {
  name: "requirement",
  counted: false,
  evaluate(_plan, { requirement: { holds, detail } }) {
    const saw = { holds };
    if (holds === true) return pass("requirement", detail, saw);
    if (holds === false) return stop("requirement", "refuse", "REQUIREMENT_NOT_MET", detail, saw);
    return unavailable("requirement", detail, saw);
  },
};
