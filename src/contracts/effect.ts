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
  /** `unsent`: not even its intent was recorded, so nothing was sent. */
  | { state: "notHappened"; detail: string; unsent?: boolean }
  /** It certainly did not happen (refused, never sent); trying again may work. */
  | { state: "notSent"; detail: string; retryAfterMs: number | null }
  /** It did not work, and what came of it is there to see (a reinstall that failed). */
  | { state: "failed"; detail: string }
  /** It was refused before anything was done, and trying again will not help: there is nothing to take back. */
  | { state: "refused"; detail: string }
  | { state: "unknown"; detail: string }
  /** The fence said no: nothing was sent. `code` says why. */
  | { state: "fenced"; code: FenceCode; detail: string };

export type FenceCode = "LEASE_LOST" | "PAUSED" | "NOT_OPEN" | "SUPERSEDED";

/**
 * Milliseconds that the effect wrapper may take on top of `apply` itself: intent, fence, reading back, record. It sends
 * nothing after that time.
 */
export const WRAPPER_MS = 30_000;
