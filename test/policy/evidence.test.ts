import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { REVIEW_VERDICTS, type Case } from "../../src/contracts/autonomy.ts";
import { OUTCOMES } from "../../src/contracts/remediation.ts";
import { evidenceOf, judged } from "../../src/policy/evidence.ts";
import { gateOf, type GateItem, type PromotionFacts } from "../../src/policy/promotion.ts";
import { ago, NOW } from "./support.ts";

function aCase(changes: Partial<Case> = {}): Case {
  return {
    remediationId: "r1",
    runbook: "disk",
    group: "web",
    outcome: "observed",
    would: "act",
    closedAt: ago(0),
    endedAt: null,
    flapWindowMs: 60_000,
    approved: false,
    rejected: false,
    review: null,
    ...changes,
  };
}

describe("what people thought of a case", () => {
  it.each<[string, Partial<Case>, ReturnType<typeof judged>]>([
    ["nobody can tell while it fires", {}, null],
    ["it passed by itself", { endedAt: ago(-60_000) }, "disagreed"],
    ["it ended before the verdict was written", { endedAt: ago(5_000) }, "disagreed"],
    ["it ended later, and nobody says by whom", { endedAt: ago(-60_001) }, null],
    ["it would not have done anything", { would: "refuse", endedAt: ago(0) }, null],
    ["approved", { would: null, outcome: "healed", approved: true }, "agreed"],
    ["one approved, another rejected", { approved: true, rejected: true, outcome: "rejected" }, "disagreed"],
    ["good, says a person who looked, though it passed", { endedAt: ago(0), review: "good" }, "agreed"],
    ["approved, and a person says now that it hides something", { approved: true, review: "masking" }, "disagreed"],
    ["false positive", { review: "falsePositive" }, "disagreed"],
    ["healed, and nobody said anything", { would: null, outcome: "healed" }, null],
  ])("%s", (_, changes, expected) => {
    expect(judged(aCase(changes))).toBe(expected);
  });
});

const someCase = fc.record({
  remediationId: fc.uuid(),
  runbook: fc.constantFrom("disk", "power"),
  group: fc.constantFrom("web", "db"),
  outcome: fc.constantFrom(...OUTCOMES),
  would: fc.constantFrom(null, "act", "wait", "review", "refuse"),
  closedAt: fc.constant(NOW),
  endedAt: fc.option(fc.integer({ min: -10_000, max: 200_000 }).map((ms) => ago(-ms))),
  flapWindowMs: fc.option(fc.constant(60_000)),
  approved: fc.boolean(),
  rejected: fc.boolean(),
  review: fc.option(fc.constantFrom(...REVIEW_VERDICTS)),
}) as fc.Arbitrary<Case>;

it("counts every case once, and every one that would have acted has one end", () => {
  fc.assert(
    fc.property(fc.array(someCase), (cases) => {
      const all = evidenceOf(cases);
      const sum = (of: (one: (typeof all)[number]) => number): number => all.reduce((n, one) => n + of(one), 0);
      expect(sum((one) => one.cases)).toBe(cases.length);
      expect(sum((one) => one.agreed + one.disagreed)).toBe(cases.filter((one) => judged(one) !== null).length);
      for (const { wouldAct, wouldAsk, ended, agreement } of all) {
        expect(ended.byItself + ended.later + ended.notYet).toBe(wouldAct + wouldAsk);
        expect(agreement === null || (agreement >= 0 && agreement <= 1)).toBe(true);
      }
      expect(new Set(all.map((one) => `${one.runbook}@${one.group}`)).size).toBe(all.length);
    }),
  );
});

const RULES = { cases: 20, agreement: 95 };
const passed = { passed: true, summary: "no new action in 30 days", by: "ann", at: ago(1_000) };
const judgedCases = (good: number, bad: number) =>
  evidenceOf([
    ...Array.from({ length: good }, () => aCase({ review: "good" })),
    ...Array.from({ length: bad }, () => aCase({ review: "falsePositive" })),
  ])[0] ?? null;
const READY: PromotionFacts = {
  now: NOW,
  owner: "storage-sre",
  reviewBy: "2027-05-01",
  steps: [
    { uses: "loadbalancer.drain", risk: "low", undoable: true },
    { uses: "host.powerOn", risk: "low", undoable: false },
    { uses: "host.powerOff", risk: "high", undoable: true },
  ],
  harm: "pool-availability",
  attestations: [
    { kind: "backtest", ...passed },
    { kind: "rehearsal", ...passed },
  ],
  evidence: judgedCases(19, 1),
};
const missing = (changes: Partial<PromotionFacts>): string[] =>
  gateOf({ ...READY, ...changes }, RULES).flatMap((one: GateItem) => (one.met ? [] : [one.item]));

describe("the gate to auto", () => {
  it("opens when all is there, at the very bounds", () => {
    expect(gateOf(READY, RULES).map(({ item, met }) => `${item} ${met}`)).toEqual([
      "backtest true",
      "rehearsal true",
      "agreement true",
      "owner true",
      "undo true",
      "harm true",
    ]);
  });

  it.each<[string, Partial<PromotionFacts>, string[]]>([
    ["nothing was tried", { attestations: [] }, ["backtest", "rehearsal"]],
    [
      "the newest rehearsal failed",
      { attestations: [...READY.attestations, { kind: "rehearsal", ...passed, passed: false, at: ago(0) }] },
      ["rehearsal"],
    ],
    ["too few cases", { evidence: judgedCases(19, 0) }, ["agreement"]],
    ["too little agreement", { evidence: judgedCases(18, 2) }, ["agreement"]],
    ["no case at all", { evidence: null }, ["agreement"]],
    ["no owner", { owner: "" }, ["owner"]],
    ["the review is due", { reviewBy: NOW }, ["owner"]],
    ["a review date that nobody can read", { reviewBy: "soon" }, ["owner"]],
    ["no undo", { steps: [{ uses: "host.powerOff", risk: "high", undoable: false }] }, ["undo"]],
    ["no harm watch", { harm: null }, ["harm"]],
  ])("stays shut: %s", (_, changes, expected) => {
    expect(missing(changes)).toEqual(expected);
  });

  it("never opens by what is taken away, whatever else is there", () => {
    const facts = fc.record({
      owner: fc.constantFrom("", "storage-sre"),
      reviewBy: fc.constantFrom(NOW, "2027-05-01"),
      harm: fc.constantFrom(null, "pool-availability"),
      steps: fc.subarray([...READY.steps, { uses: "host.wipe", risk: "high" as const, undoable: false }]),
      good: fc.nat(40),
      bad: fc.nat(3),
      attestations: fc.array(
        fc.record({
          kind: fc.constantFrom("backtest" as const, "rehearsal" as const),
          passed: fc.boolean(),
          at: fc.nat(1_000).map(ago),
        }),
        { maxLength: 4 },
      ),
    });
    fc.assert(
      fc.property(facts, ({ good, bad, attestations, ...rest }) => {
        const said = attestations.map((one) => ({ ...passed, ...one }));
        const all = { ...READY, ...rest, attestations: said, evidence: judgedCases(good, bad) };
        const before = missing(all);
        const failed = (["backtest", "rehearsal"] as const).map((kind) => ({
          kind,
          ...passed,
          passed: false,
          at: ago(-1),
        }));
        const less: Partial<PromotionFacts>[] = [
          ...[{ owner: "" }, { reviewBy: NOW }, { harm: null }, { attestations: [] }, { evidence: null }],
          { evidence: judgedCases(Math.max(0, good - 1), bad) },
          ...failed.map((one) => ({ attestations: [...said, one] })),
          { steps: [...all.steps, { uses: "host.wipe", risk: "high", undoable: false }] },
        ];
        for (const one of less) expect(missing({ ...all, ...one })).toEqual(expect.arrayContaining(before));
        expect(missing({ ...all, attestations: [...said, ...failed] })).toEqual(
          expect.arrayContaining(["backtest", "rehearsal"]),
        );
      }),
    );
  });

  it("says that what is irreversible goes on asking", () => {
    const steps = [{ uses: "provisioner.rebuild", risk: "irreversible" as const, undoable: false }];
    const undo = gateOf({ ...READY, steps }, RULES).find((one) => one.item === "undo");
    expect(undo).toMatchObject({ met: true, detail: expect.stringContaining("always needs an approval") as string });
  });
});
