/** What the record knows of the surroundings of targets; a part of RecordStore (api.ts). */
import type { Json } from "../contracts/json.ts";
import type { Hold, OpenWindow, OutsideReading, WindowKind } from "../contracts/surroundings.ts";
import type { TargetRef } from "../contracts/target.ts";
import type { LeaseState } from "./api.ts";

export interface WindowWish {
  kind: WindowKind;
  scope: string;
  /** What the targets of the scope depend on: remediations there wait too. */
  needs: string[];
  reason: string;
  by: string;
  /** ISO; null: now. */
  from: string | null;
  until: string;
}

export interface HoldWish {
  target: TargetRef;
  holder: string;
  reason: string;
  until: string | null;
}

export interface TargetHold extends Hold {
  target: TargetRef;
}

/** A target that we hold, for other systems to leave alone. */
export interface OwnHold {
  target: TargetRef;
  remediationId: string;
  runbook: string | null;
  state: LeaseState;
  since: string;
}

/** What decides whether people are told now or at the end of a window. */
export interface Telling {
  target: TargetRef;
  /** Scopes that a pause of it may name. */
  scopes: string[];
  /** It has begun an effect: then nothing keeps people from being told. */
  acted: boolean;
  /** All windows that were opened by hand and are not over. */
  windows: OpenWindow[];
  now: string;
}

export interface SurroundingRecord {
  /** The same wish twice, while the first is open, is one window. Throws RecordConflict when it would be over already. */
  openWindow(wish: WindowWish): Promise<OpenWindow>;
  /** Answers those that this call closed; pages that were kept back for them may go out. */
  closeWindows(ids: readonly string[], by: string): Promise<OpenWindow[]>;
  /** Open or still to come. */
  windows(): Promise<OpenWindow[]>;

  /** Renews the holder's hold of the target, where there is one. */
  hold(wish: HoldWish): Promise<TargetHold>;
  /** Answers false when there was none. */
  releaseHold(target: TargetRef, holder: string, by: string): Promise<boolean>;
  holds(): Promise<TargetHold[]>;
  ownHolds(): Promise<OwnHold[]>;

  /** Keeps what was read outside, with the time it is written at. */
  saveReading(
    what: "silences" | "leases" | "slo",
    about: string,
    read: Omit<OutsideReading<Json>, "at">,
  ): Promise<void>;

  /** null: the record does not know the remediation. */
  telling(remediationId: string): Promise<Telling | null>;
  /** People are told of this at the end of a window, unless all its alerts are resolved by then. */
  holdEscalation(remediationId: string, key: string, until: string, window: string): Promise<void>;
}
