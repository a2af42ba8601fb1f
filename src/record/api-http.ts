/** What the record does for the HTTP API alone; a part of RecordStore (api.ts). */
import type { RemediationRow } from "./api.ts";
import type { Verdict } from "../contracts/verdict.ts";

/** The answer of a write, kept so that the same request is answered with it again. */
export interface KeptAnswer {
  status: number;
  contentType: string;
  body: string;
}

export interface RequestClaim {
  /** Who asks: keys of one caller mean nothing to another. */
  caller: string;
  key: string;
  /** Of everything that the request says. */
  requestHash: string;
  /** How long nobody else may work on it: after that whoever did is taken to be dead. */
  holdMs: number;
  /** How long its answer is kept. */
  lifeMs: number;
}

export type Claimed =
  /** The caller of this is to do it, and to keep its answer or give it up. */
  | { kind: "claimed" }
  | { kind: "answered"; answer: KeptAnswer }
  /** Another request with this key is being worked on. */
  | { kind: "running" }
  /** The key belongs to a request that said something else. */
  | { kind: "otherRequest" };

/** A place in the feed of changes: everything behind it is newer, or was written at the same time. */
export interface FeedPlace {
  /** ISO. */
  at: string;
  remediationId: string;
  seq: number;
}

/** One entry of a remediation's audit chain, with the remediation as it is now. */
export interface Change extends FeedPlace {
  /** The audit's kind: `opened`, `progress`, `verdict`, `decision`, `effectSettled`, `closed`, … */
  kind: string;
  remediation: RemediationRow;
}

export interface VerdictRow {
  seq: number;
  verdict: Verdict;
  planHash: string | null;
}

export interface HttpRecord {
  claimRequest(claim: RequestClaim): Promise<Claimed>;
  keepAnswer(claim: Pick<RequestClaim, "caller" | "key">, answer: KeptAnswer): Promise<void>;
  /** It was not done: the same request may be sent again at once. */
  giveUpRequest(claim: Pick<RequestClaim, "caller" | "key">): Promise<void>;

  /** In the order in which they were written; a transaction that committed late may stand before `after`. */
  changes(after: FeedPlace, limit: number): Promise<Change[]>;
  verdicts(remediationId: string): Promise<VerdictRow[]>;
}
