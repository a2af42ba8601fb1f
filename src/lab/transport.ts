/** What the way between a client and a system does to a call: nothing, or one of the transport faults. */
import type { Fault, FaultPoint, Faults } from "./faults.ts";
import type { LabClock } from "./clock.ts";

export type Carried<T> =
  | { kind: "answered"; answer: T; delayMs: number }
  /** The connection is cut. */
  | { kind: "cut" }
  /** Nothing ever comes back. */
  | { kind: "hangs" }
  /** The fault answers in the system's place. */
  | { kind: "refused"; fault: Fault };

const SLOW_MS = 2_000;

/** `perform` is the call itself: it runs at most once, now, later or never. */
export function carry<T>(faults: Faults, clock: LabClock, point: Required<FaultPoint>, perform: () => T): Carried<T> {
  clock.catchUp();
  const fault = faults.strikeCall(point);
  switch (fault?.name) {
    case "timeout":
      if (fault.lateMs !== undefined) clock.after(fault.lateMs, perform);
      return { kind: "hangs" };
    case "timeout-after-effect":
      perform();
      return { kind: "hangs" };
    case "reply-lost":
      perform();
      return { kind: "cut" };
    case "error-burst":
    case "rate-limited":
      return { kind: "refused", fault };
    default:
      return { kind: "answered", answer: perform(), delayMs: fault?.name === "slow" ? (fault.delayMs ?? SLOW_MS) : 0 };
  }
}
