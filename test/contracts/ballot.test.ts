import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judge, tally, type Ballot, type Vote, type Word } from "../../src/contracts/ballot.ts";
import { approvers } from "../../src/policy/approved.ts";
import { countedOf, planOf } from "../policy/support.ts";

const at = (seconds: number): string => new Date(Date.UTC(2026, 10, 21) + seconds * 1000).toISOString();
const LASTS = 60;

const empty: Ballot = { planHash: "a", quorum: 2, votes: [], requestedBy: ["req"] };
function say(ballot: Ballot, person: string, word: Word, now = 0, planHash = "a"): string | Ballot {
  const judged = judge(ballot, { person, word, planHash, expiresAt: at(now + LASTS) }, at(now));
  return judged.counts ? { ...ballot, votes: judged.votes } : judged.because;
}
const after = (...words: [string, Word][]): Ballot =>
  words.reduce((ballot, [person, word]) => say(ballot, person, word) as Ballot, empty);

describe("a ballot", () => {
  it.each<[string, Ballot, [string, Word, number?, string?], string]>([
    ["a second decision", after(["ann", "approve"]), ["ann", "reject"], "ann has decided already (approve)"],
    ["an approval twice", after(["ann", "approve"]), ["ann", "approve"], "ann has decided already (approve)"],
    ["another plan", empty, ["ann", "approve", 0, "b"], "the plan in force is another one by now"],
    ["a closed one", { ...empty, planHash: null }, ["ann", "approve"], "the remediation is closed, or has no plan"],
    ["who asked for it", empty, ["req", "approve"], "req asked for this remediation: somebody else must approve it"],
    ["nothing to withdraw", after(["bob", "approve"]), ["ann", "withdraw"], "ann has no approval to withdraw"],
    ["an expired approval", after(["ann", "approve"]), ["ann", "withdraw", 60], "ann has no approval to withdraw"],
    [
      "a reject after the quorum",
      after(["ann", "approve"], ["bob", "approve"]),
      ["cid", "reject"],
      "already approved: 2 of 2 approvals (ann, bob)",
    ],
    [
      "a withdrawal after the quorum",
      after(["ann", "approve"], ["bob", "approve"]),
      ["ann", "withdraw"],
      "already approved: 2 of 2 approvals (ann, bob)",
    ],
    ["anything after a reject", after(["ann", "reject"]), ["bob", "approve"], "already rejected: rejected by ann"],
  ])("does not count %s", (_, ballot, [person, word, now, planHash], because) => {
    expect(say(ballot, person, word, now, planHash)).toBe(because);
  });

  it("lets a person who withdrew, or whose approval expired, decide anew", () => {
    expect(say(after(["ann", "approve"], ["ann", "withdraw"]), "ann", "reject")).toMatchObject({
      votes: [{ person: "ann", decision: "reject" }],
    });
    expect(say(after(["ann", "approve"]), "ann", "approve", LASTS)).toMatchObject({
      votes: [{ person: "ann", expiresAt: at(2 * LASTS) }],
    });
  });

  it("lets who asked for it reject it", () => {
    expect(say(empty, "req", "reject")).toMatchObject({ votes: [{ person: "req", decision: "reject" }] });
  });
});

type Event =
  | { kind: Word; person: string; planHash: string }
  | { kind: "plan"; planHash: string }
  | { kind: "time"; seconds: number };

const person = fc.constantFrom("ann", "bob", "cid", "req");
const planHash = fc.constantFrom("a", "b");
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant<"approve">("approve"), person, planHash }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant<"withdraw">("withdraw"), person, planHash }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant<"reject">("reject"), person, planHash }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant<"plan">("plan"), planHash }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant<"time">("time"), seconds: fc.integer({ min: 1, max: LASTS }) }),
  },
);

/** As the record does it: votes of one plan, void when another comes into force. */
class Machine {
  ballot: Ballot;
  now = 0;
  constructor(quorum: number) {
    this.ballot = { ...empty, quorum };
  }
  on(one: Event): void {
    if (one.kind === "time") this.now += one.seconds;
    else if (one.kind === "plan") {
      const votes = one.planHash === this.ballot.planHash ? this.ballot.votes : [];
      this.ballot = { ...this.ballot, planHash: one.planHash, votes };
    } else {
      const said = say(this.ballot, one.person, one.kind, this.now, one.planHash);
      if (typeof said !== "string") this.ballot = said;
    }
  }
  /** What the guardrails say of these votes: may it act? */
  acts(): boolean {
    const { votes, quorum } = this.ballot;
    const { approvedBy } = tally(votes, quorum, at(this.now));
    const plan = planOf({ approval: { roles: [], expiresMs: 1, onTimeout: "refuse", quorum } });
    return approvers(plan, countedOf({ approvedBy })).length > 0;
  }
}

/** From the whole log, without the ballot: who stands behind the plan in force now. */
function standBehind(log: readonly { event: Event; now: number }[], now: number): Set<string> {
  let inForce = "a";
  const behind = new Map<string, number>();
  for (const { event: one, now: when } of log) {
    if (one.kind === "plan" && one.planHash !== inForce) {
      inForce = one.planHash;
      behind.clear();
    }
    if (one.kind === "approve" && one.planHash === inForce && one.person !== "req") behind.set(one.person, when);
    // A withdrawal may also have come too late; then its person is not needed in what follows.
  }
  return new Set([...behind].filter(([, when]) => when + LASTS > now).map(([who]) => who));
}

it("reaches act, in every interleaving, only with a quorum of different people on the plan in force", () => {
  const runs = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.array(event, { maxLength: 40 }));
  let acted = 0;
  fc.assert(
    fc.property(runs, ([quorum, events]) => {
      const machine = new Machine(quorum);
      const log: { event: Event; now: number }[] = [];
      let before = false;
      let rejected = false;
      let withdrawn = new Map<string, boolean>();
      for (const one of events) {
        const planChanged = one.kind === "plan" && one.planHash !== machine.ballot.planHash;
        const meant = "person" in one && one.planHash === machine.ballot.planHash;
        if (planChanged) [rejected, withdrawn] = [false, new Map()];
        // Before the quorum a withdrawal and a reject count; afterwards they do not.
        if (meant && !before && one.kind === "reject" && !hasApproval(machine, one.person)) rejected = true;
        if (meant && !before && one.kind === "withdraw") withdrawn.set(one.person, true);
        if (meant && one.kind === "approve") withdrawn.delete(one.person);
        machine.on(one);
        log.push({ event: one, now: machine.now });
        const acts = machine.acts();
        if (acts) {
          acted += 1;
          const behind = [...standBehind(log, machine.now)].filter((who) => !withdrawn.has(who));
          expect(behind.length).toBeGreaterThanOrEqual(quorum);
          expect(rejected).toBe(false);
        }
        before = acts;
      }
    }),
    { numRuns: 2_000 },
  );
  expect(acted).toBeGreaterThan(1_000);
});

function hasApproval({ ballot, now }: Machine, who: string): boolean {
  return ballot.votes.some((vote: Vote) => vote.person === who && vote.expiresAt > at(now));
}
