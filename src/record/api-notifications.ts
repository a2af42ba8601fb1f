/** What the record keeps of messages to people, beside escalations; a part of RecordStore (api.ts). */
import type { Route } from "../contracts/route.ts";
import type { RemediationRow } from "./api.ts";

/** What began a thread. */
export interface ThreadOpening {
  key: string;
  route: Route;
  title: string;
  text: string;
}

export interface ThreadRow {
  remediationId: string;
  channel: string;
  /** The channel's own word for it. */
  reference: string;
  opening: ThreadOpening;
}

/** A thread that shows how its remediation stood, not how it stands. */
export interface StaleThread extends ThreadRow {
  remediation: RemediationRow;
  /** Who decided last since it began, or rang again; null: nobody. */
  acknowledgedBy: string | null;
  /** The word for how it stands now. */
  stands: string;
}

export interface NotificationRecord {
  threads(remediationId: string): Promise<ThreadRow[]>;
  /**
   * `was`: the reference that this one takes the place of; null: the thread begins. Of two that begin at once the first
   * stays.
   */
  keepThread(thread: ThreadRow, was: string | null): Promise<void>;
  /** Those due for a try, longest unchanged first: after a failure 2^n minutes later, at most an hour, for a week. */
  staleThreads(limit: number): Promise<StaleThread[]>;
  /** It shows `stands` now. `error`: it does not, and why. */
  threadShown(thread: StaleThread, error: string | null): Promise<void>;
  /**
   * A channel took a message (`error` null), or did not. Counted, and written into the remediation's story where there is
   * one.
   */
  channelTried(tried: {
    channel: string;
    remediationId: string | null;
    key: string;
    route: string;
    error: string | null;
  }): Promise<void>;
}
