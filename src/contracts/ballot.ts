/**
 * Decisions of people on one exact plan, as pure functions: the record judges each word with them behind the
 * remediation's row, and the guardrails count with them. So they cannot disagree on what a quorum is.
 */

export const WORDS = ["approve", "reject", "withdraw"] as const;
/** What a person says about a plan that waits for its approval. `withdraw` takes back his own approval. */
export type Word = (typeof WORDS)[number];

/** A decision that counts. */
export interface Vote {
  person: string;
  decision: "approve" | "reject";
  /** ISO; an approval that is older counts no more, and its person may decide anew. */
  expiresAt: string;
}

export interface Ballot {
  /** Of the plan in force; null: the remediation is closed, or has none. */
  planHash: string | null;
  /** Different people who must approve. */
  quorum: number;
  /** On the plan in force, oldest first. */
  votes: readonly Vote[];
  /** Who asked for this remediation: it takes somebody else to approve it. */
  requestedBy: readonly string[];
}

export interface Spoken {
  person: string;
  word: Word;
  /** Of the plan that was looked at. */
  planHash: string;
  /** ISO; until when an approval would count. */
  expiresAt: string;
}

export interface Tally {
  status: "approved" | "rejected" | "needMore";
  approvedBy: string[];
  /** `1 of 2 approvals (ann)` */
  detail: string;
}

export type Judgement = { counts: true; votes: Vote[] } | { counts: false; because: string };

/** Plans from before there was a quorum need one person. */
export function quorumOf(approval: { quorum?: number }): number {
  return approval.quorum ?? 1;
}

/** `now` is the database's, ISO. */
export function tally(votes: readonly Vote[], quorum: number, now: string): Tally {
  const approvedBy = votes.filter((vote) => vote.decision === "approve" && isLive(vote, now)).map((one) => one.person);
  const rejected = votes.find((vote) => vote.decision === "reject");
  if (rejected !== undefined) return { status: "rejected", approvedBy: [], detail: `rejected by ${rejected.person}` };
  const detail = approvalsText(approvedBy, quorum);
  return { status: approvedBy.length >= quorum ? "approved" : "needMore", approvedBy, detail };
}

/** `approval by dc-ops of plan 0123456789ab`; with a quorum also how far it is. */
export function awaitedApproval(asked: {
  roles: readonly string[];
  planHash: string | null;
  quorum: number;
  approvedBy: readonly string[];
}): string {
  const { roles, planHash, quorum, approvedBy } = asked;
  const so = quorum > 1 ? ` (${approvalsText(approvedBy, quorum)})` : "";
  return `approval by ${roles.join(" or ")} of plan ${(planHash ?? "").slice(0, 12)}${so}`;
}

export function approvalsText(approvedBy: readonly string[], quorum: number): string {
  const people = approvedBy.length === 0 ? "" : ` (${approvedBy.join(", ")})`;
  return `${approvedBy.length} of ${quorum} approvals${people}`;
}

/** Does this word count, and what are the votes with it? One decision a person; the first reject ends it. */
export function judge(ballot: Ballot, spoken: Spoken, now: string): Judgement {
  const because = whyNot(ballot, spoken, now);
  if (because !== null) return { counts: false, because };
  const { person, word, expiresAt } = spoken;
  const others = ballot.votes.filter((vote) => vote.person !== person);
  return { counts: true, votes: word === "withdraw" ? others : [...others, { person, decision: word, expiresAt }] };
}

function whyNot({ planHash, quorum, votes, requestedBy }: Ballot, spoken: Spoken, now: string): string | null {
  const { person, word } = spoken;
  if (planHash === null) return "the remediation is closed, or has no plan";
  if (planHash !== spoken.planHash) return "the plan in force is another one by now";
  const before = tally(votes, quorum, now);
  if (before.status !== "needMore") return `already ${before.status}: ${before.detail}`;
  if (word === "approve" && requestedBy.includes(person)) {
    return `${person} asked for this remediation: somebody else must approve it`;
  }
  const mine = voteOf(votes, person, now);
  if (word === "withdraw") return mine === null ? `${person} has no approval to withdraw` : null;
  if (mine !== null) return `${person} has decided already (${mine.decision})`;
  return Date.parse(spoken.expiresAt) > Date.parse(now) ? null : `the approval expired at ${spoken.expiresAt}`;
}

/** The decision of this person that counts now. */
export function voteOf(votes: readonly Vote[], person: string, now: string): Vote | null {
  return votes.find((vote) => vote.person === person && (vote.decision === "reject" || isLive(vote, now))) ?? null;
}

function isLive({ expiresAt }: Vote, now: string): boolean {
  return Date.parse(expiresAt) > Date.parse(now);
}
