import type { CalendarWindow, OpenWindow, WindowKind } from "../../contracts/surroundings.ts";
import type { GuardrailResult, ReasonCode } from "../../contracts/verdict.ts";
import { insideOf, insideOnce } from "../calendar.ts";
import { pass, stop, timeOf, unavailable, worstOf, type Guardrail } from "../guardrail.ts";

const CODES: Record<WindowKind, ReasonCode> = { maintenance: "MAINTENANCE_WINDOW", deploy: "DEPLOY_WINDOW" };

/** In a maintenance or deploy window new work waits for its end, and is confirmed and decided afresh. */
export const window: Guardrail = {
  name: "window",
  counted: true,
  evaluate(plan, { counted: { surroundings }, now }) {
    const limits = plan.limits.surroundings;
    if (limits === undefined) return pass("window", "the plan knows no windows");
    if (surroundings === null) return unavailable("window", "it is not known which windows are open");
    const at = timeOf(now);
    if (at === null) return unavailable("window", `the time ${now} cannot be read`);
    const open = windowsAt(limits.windows, surroundings.windows, at);
    if (open.length === 0) return pass("window", "no window is open", { windows: limits.windows.length });
    return worstOf(open.map((one) => waitFor("window", CODES[one.kind], one)));
  },
};

/** A window that is open at this moment. */
export interface WindowNow {
  /** The name of one of selfheal.yaml, the id of one that somebody opened. */
  id: string;
  kind: WindowKind;
  scope: string;
  detail: string;
  /** ISO. */
  until: string;
}

export function windowsAt(calendar: readonly CalendarWindow[], opened: readonly OpenWindow[], at: number): WindowNow[] {
  return [
    ...calendar.flatMap((one) => {
      const inside = insideOf(one, at);
      const { name: id, kind, scope } = one;
      return inside === null ? [] : [{ id, kind, scope, detail: `${kind} window ${id} of ${scope}`, ...inside }];
    }),
    ...opened.flatMap((one) => {
      const inside = insideOnce(one, at);
      const { id, kind, scope, by, reason } = one;
      const detail = `${kind} window of ${scope}, opened by ${by}: ${reason}`;
      return inside === null ? [] : [{ id, kind, scope, detail, ...inside }];
    }),
  ];
}

export function waitFor(guardrail: string, code: ReasonCode, { id, detail, scope, until }: WindowNow): GuardrailResult {
  const saw = { window: id, scope, until };
  return { ...stop(guardrail, "wait", code, `${detail}, until ${until}`, saw, until), waitsFor: [`window:${id}`] };
}
