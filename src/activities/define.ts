/** What the definitions of actions share. */
import type { JsonObject } from "../contracts/json.ts";
import type { Target } from "../contracts/target.ts";
import type { Action, AnyAction, Observation, WatchedSystem } from "../ports/action.ts";
import { AdapterError } from "../ports/failure.ts";

/** Longest that an apply may take (design §3 law 6). */
export const APPLY_TIMEOUT_MS = 30_000;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;

/** Keeps the input type inside the definition, where the compiler checks it. */
export function defineAction<I>(action: Action<I>): AnyAction {
  return action;
}

export function happened(detail: string, result: JsonObject = {}): Observation {
  return { state: "happened", result, detail };
}
export function notHappened(detail: string): Observation {
  return { state: "notHappened", detail };
}
export function failed(detail: string): Observation {
  return { state: "failed", detail };
}
export function unknown(detail: string): Observation {
  return { state: "unknown", detail };
}
export function pending(detail: string, system: WatchedSystem, ref: string, seen: string): Observation {
  return { state: "pending", detail, wait: { system, ref, seen } };
}

/** For what no retry can cure: nothing was sent. */
export function refusal(action: string, message: string): AdapterError {
  return new AdapterError("permanent", { system: "selfheal", operation: action }, message);
}

/** A text attribute of the target's inventory entry; null when it has none. */
export function attribute(target: Target, name: string): string | null {
  const value = target.attributes[name];
  return typeof value === "string" && value !== "" ? value : null;
}

/** The input's own value, else the target's attribute; refuses when there is neither. */
export function given(value: string | undefined, target: Target, name: string, action: string): string {
  const found = value ?? attribute(target, name);
  if (found !== null) return found;
  throw refusal(action, `no ${name}: neither the step gives one nor the inventory's attributes of ${target.id}`);
}
