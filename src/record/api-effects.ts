/** What the record does for the effect wrapper and for whoever settles what it left; a part of RecordStore (api.ts). */
import type { EffectState } from "../contracts/effect.ts";
import type { EffectDirection } from "../contracts/ids.ts";
import type { JsonObject } from "../contracts/json.ts";

/** An effect that is to be sent. */
export interface Intent {
  key: string;
  remediationId: string;
  rung: string;
  step: string;
  action: string;
  direction: EffectDirection;
  attempt: number;
  /** Redacted. */
  request: JsonObject;
}

export interface EffectRow extends Intent {
  state: EffectState;
  result: JsonObject | null;
  detail: string;
  intentAt: string;
  settledAt: string | null;
}

/** ISO, the record's time. */
export interface SettleTimes {
  /** When the call that acted was over; its distance to the entry is the audit's lag (M10). */
  actedAt?: string | null;
  /** No later than when the world was looked at. Left out: now. */
  lookedAt?: string;
}

/** `fresh`: this call wrote the intent; false when it stood there already (a retry, a reset), so that the caller reads back first. */
export type Fence =
  | { ok: true; fresh: boolean; row: EffectRow }
  | { ok: false; code: "LEASE_LOST" | "PAUSED" | "NOT_OPEN"; detail: string };

export interface EffectRecord {
  /**
   * Records the intent of an effect and looks at the fence in one transaction: the remediation is open, its leases are
   * held, nothing pauses it (pauses do not stop undo and finish: B10). The same key again answers the row as it is.
   */
  beginEffect(effect: Intent): Promise<Fence>;
  /**
   * Of a closed remediation too (law 2): its orphaned leases go when its last effect is settled. Answers false, changing
   * nothing, when it was seen to happen after this look at it began.
   */
  settleEffect(
    key: string,
    state: EffectState,
    result: JsonObject | null,
    detail: string,
    times?: SettleTimes,
  ): Promise<boolean>;
  /** A person's word that it happened: the row is made when there is none, and looks at no fence, since nothing is sent. */
  vouchEffect(effect: Intent, result: JsonObject, detail: string): Promise<void>;
  effect(key: string): Promise<EffectRow | null>;
  /** Whether a step of this remediation with this action may have happened and was not taken back. */
  mayHaveDone(remediationId: string, action: string): Promise<boolean>;
  /** Intended at least `olderThanMs` ago and neither happened nor failed yet: for recovery and sweeper. */
  unsettledEffects(olderThanMs: number, limit: number): Promise<EffectRow[]>;
}
