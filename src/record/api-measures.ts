/** What measures, reports and postmortems read, and what is kept of them; a part of RecordStore (api.ts). */
import type { LiveState, MeasuredRow, Trouble, Unmatched } from "../contracts/measures.ts";
import type { ReviewVerdict } from "../contracts/autonomy.ts";
import type { JsonObject } from "../contracts/json.ts";

/** Where a page ended. */
export interface MeasuredCursor {
  closedAt: string;
  remediationId: string;
}
export interface MeasuredWish {
  /** ISO; closed at or after. */
  from: string;
  /** ISO; closed before. */
  to: string;
  /** null: all. */
  group: string | null;
  /** null: the first page. */
  after: MeasuredCursor | null;
}
export interface MeasuredPage {
  /** In the order in which they closed. */
  rows: MeasuredRow[];
  /** null: that was all. */
  next: MeasuredCursor | null;
}

export interface PostmortemRow {
  remediationId: string;
  /** Who answers for the target or the runbook. */
  owner: string;
  markdown: string;
  madeAt: string;
  /** null: not yet. */
  sentAt: string | null;
  error: string | null;
}

/** Kept, not sent, and due for a try: 2^n minutes after the n-th, at most an hour. */
export interface Due {
  key: string;
}

/** What comes again and again. */
export interface FoundProblem {
  /** Stable: there is one open problem of each. */
  pattern: string;
  title: string;
  body: string;
  /** Of the ticket system; "": its default. */
  queue: string;
  owner: string;
  remediationIds: string[];
}

export interface ProblemRow extends Omit<FoundProblem, "remediationIds"> {
  /** What its ticket carries. */
  key: string;
  /** null: none is known yet. */
  ticketId: string | null;
  url: string | null;
  /** Remediations that came after the ticket was written and are not in it yet. */
  unnoted: string[];
}

export interface ReportRow {
  /** `month 2026-10` */
  period: string;
  /** As the program of then made it. */
  report: JsonObject;
  markdown: string;
  csv: string;
  madeAt: string;
  sentAt: string | null;
}

export interface MeasureRecord {
  /** Closed remediations, at most 1,000 a page. */
  measured(wish: MeasuredWish): Promise<MeasuredPage>;
  /** Closed at `since` (ISO) or later, newest first, at most 20,000. */
  trouble(since: string): Promise<Trouble[]>;
  /** Of faults that arrived inside the time. */
  unmatchedAlerts(wish: Omit<MeasuredWish, "after">): Promise<Unmatched>;
  /** Given at `since` (ISO) or later. */
  reviewsSince(since: string): Promise<{ remediationId: string; review: ReviewVerdict }[]>;
  liveState(): Promise<LiveState>;

  /** Closed in the last 7 days with something for a person to do, oldest first, and nobody has a draft. */
  postmortemsToMake(limit: number): Promise<string[]>;
  /** The first one stays. Audited in the remediation's chain. */
  savePostmortem(made: Pick<PostmortemRow, "remediationId" | "owner" | "markdown">): Promise<void>;
  postmortem(remediationId: string): Promise<PostmortemRow | null>;
  postmortemsToSend(limit: number): Promise<Due[]>;
  /** `error` null: it was sent, and stays so. */
  postmortemSent(remediationId: string, error: string | null): Promise<void>;

  /** Of remediations closed at `since` (ISO) or later. */
  problemLinks(since: string): Promise<{ pattern: string; remediationId: string; open: boolean }[]>;
  /** Opens a problem, or adds to the open one of its pattern; audited in the chain of each remediation. */
  foundProblem(found: FoundProblem): Promise<void>;
  openProblems(): Promise<ProblemRow[]>;
  /** Before a ticket is asked for: false while an earlier request, at most `lifeMs` old, may still open one. */
  claimTicket(key: string, lifeMs: number): Promise<boolean>;
  problemTicket(key: string, ticketId: string, url: string): Promise<void>;
  problemFailed(key: string, error: string): Promise<void>;
  /** The remediation stands in the ticket. */
  problemNoted(key: string, remediationId: string): Promise<void>;
  closeProblem(key: string): Promise<void>;
  /** The ticket of the newest problem of a remediation, or the problem's title; null: it belongs to none. */
  problemOf(remediationId: string): Promise<string | null>;

  /** ISO; its first entry. null: it has none. */
  began(): Promise<string | null>;
  /** Keeps what was made of a period that is over; the first one stays. Audited in `control`. */
  saveReport(made: { period: string; report: JsonObject; markdown: string; csv: string }): Promise<void>;
  report(period: string): Promise<ReportRow | null>;
  reportsToSend(limit: number): Promise<Due[]>;
  /** `error` null: it was sent, and stays so. */
  reportSent(period: string, error: string | null): Promise<void>;
}
