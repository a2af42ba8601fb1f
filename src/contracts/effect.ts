import type { JsonObject } from "./json.ts";

/** What is known about one attempt to change the world. */
export type EffectState =
  /** It was decided and recorded; nothing was sent yet, or nobody knows. */
  | "intent"
  | "happened"
  /** It was accepted and its effect is on the way (a drain with open sessions, a reinstall). */
  | "pending"
  | "notHappened"
  /** It definitely did not work and will not. */
  | "failed"
  /** It may have happened and cannot be read back: a person must look. */
  | "unknown";

/** What an effect activity says to the workflow. */
export type EffectReport =
  | { state: "happened"; result: JsonObject; detail: string }
  | { state: "pending"; detail: string }
  | { state: "notHappened"; detail: string }
  /** It certainly did not happen (refused, never sent); trying again may work. */
  | { state: "notSent"; detail: string; retryAfterMs: number | null }
  | { state: "failed"; detail: string }
  | { state: "unknown"; detail: string }
  /** The fence said no: nothing was sent. `code` says why. */
  | { state: "fenced"; code: FenceCode; detail: string };

export type FenceCode = "LEASE_LOST" | "PAUSED" | "NOT_OPEN" | "SUPERSEDED";
