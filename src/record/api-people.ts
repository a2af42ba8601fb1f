/** What people say to a remediation, as the record takes it. */
import type { Word } from "../contracts/ballot.ts";
import type { JsonObject } from "../contracts/json.ts";

export interface PersonCommand {
  remediationId: string;
  /** Names this message; a second call with it answers as the first did. */
  key: string;
  command: string;
  by: string;
  via: string;
  reason: string;
  /** Proves who it is, and says how it came; used up by this call, also when the command does not count. */
  token: string | null;
  /** May it count without a token? */
  unsigned: boolean;
  /** Who may not count, and why: recorded as ignored. */
  ignoredBecause: string | null;
  /** What else is written down. */
  about: JsonObject;
}

export interface TokenWish {
  remediationId: string;
  /** null: the decision is about no plan (cancel). */
  planHash: string | null;
  person: string;
  decision: string;
  /** How the person came to it: `api`, `cli`, `signal`. */
  via: string;
  ttlMs: number;
}

export interface DecisionGiven {
  remediationId: string;
  planHash: string;
  decision: Word;
  by: string;
  via: string;
  reason: string;
  /** Who may not count, and why: recorded as ignored. */
  ignoredBecause: string | null;
  /** Proves who decides, and says how it came; used up by this call, also when the decision does not count. */
  token: string | null;
  /** May it count without a token? */
  unsigned: boolean;
  /** Who may approve, for the words of how far it is. */
  roles: readonly string[];
  /** Different people who must approve. */
  quorum: number;
  /** ISO; until when an approval counts. */
  expiresAt: string;
}
export interface DecisionAnswer {
  status: "approved" | "rejected" | "needMore" | "ignored";
  approvedBy: string[];
  detail: string;
}

export interface PeopleRecord {
  /** Records a person's decision and answers what it makes of the approval (contracts/ballot.ts). */
  decide(decision: DecisionGiven): Promise<DecisionAnswer>;

  /** Records what a person commands a remediation that he took over. Answers why it does not count, or null. */
  command(given: PersonCommand): Promise<string | null>;

  /**
   * A one-time token for one decision of one person on one plan. Only its hash is kept. Rejects with RecordConflict
   * when the record does not know the remediation, or it is closed.
   */
  issueToken(wish: TokenWish): Promise<{ token: string; expiresAt: string }>;
}
