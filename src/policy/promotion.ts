/** The gate to `auto`: a checklist with its evidence (ADR 50). Pure. */
import type { Attestation, AttestationKind } from "../contracts/autonomy.ts";
import type { Risk } from "../contracts/plan.ts";
import type { Evidence } from "./evidence.ts";

export interface PromotionRules {
  /** Cases that people judged, at least. */
  cases: number;
  /** Percent of them that people agreed with, at least. */
  agreement: number;
}

export interface PromotionFacts {
  /** ISO; the database's time. */
  now: string;
  owner: string;
  /** ISO date; when somebody must look at the runbook again. */
  reviewBy: string;
  steps: { uses: string; risk: Risk; undoable: boolean }[];
  /** The SLI that the plan is watched by; null: none. */
  harm: string | null;
  /** Of this very version. */
  attestations: Pick<Attestation, "kind" | "passed" | "summary" | "by" | "at">[];
  /** In this group; null: it has no case. */
  evidence: Evidence | null;
}

export const GATE = ["backtest", "rehearsal", "agreement", "owner", "undo", "harm"] as const;

export interface GateItem {
  item: (typeof GATE)[number];
  met: boolean;
  /** One sentence with the evidence, or with what is missing. */
  detail: string;
}

export function gateOf(facts: PromotionFacts, rules: PromotionRules): GateItem[] {
  return [
    attested("backtest", facts),
    attested("rehearsal", facts),
    agreement(facts.evidence, rules),
    owner(facts),
    undo(facts),
    harm(facts),
  ];
}

/** The newest counts: a rehearsal that failed takes back the one before. */
function attested(kind: AttestationKind, { attestations }: PromotionFacts): GateItem {
  const newest = attestations.filter((one) => one.kind === kind).toSorted((a, b) => (a.at < b.at ? 1 : -1))[0];
  if (newest === undefined) return { item: kind, met: false, detail: `no ${kind} of this version is on record` };
  const { passed, summary, by, at } = newest;
  return { item: kind, met: passed, detail: `${passed ? "passed" : "failed"} by ${by} at ${at}: ${summary}` };
}

function agreement(evidence: Evidence | null, rules: PromotionRules): GateItem {
  const { agreed = 0, disagreed = 0 } = evidence ?? {};
  const judged = agreed + disagreed;
  const percent = judged === 0 ? 0 : (100 * agreed) / judged;
  const met = judged >= rules.cases && percent >= rules.agreement;
  const share = judged === 0 ? "" : ` (${percent.toFixed(0)}%)`;
  const needed = `needed are ${rules.cases} judged cases and ${rules.agreement}%`;
  return {
    item: "agreement",
    met,
    detail: `people agreed with ${agreed} of ${judged} judged cases${share}; ${needed}`,
  };
}

function owner({ owner: team, reviewBy, now }: PromotionFacts): GateItem {
  if (team === "") return { item: "owner", met: false, detail: "nobody owns the runbook (metadata.owner)" };
  const due = !(Date.parse(reviewBy) > Date.parse(now));
  const when = due ? `whose review was due at ${reviewBy} (metadata.reviewBy)` : `who reviews it by ${reviewBy}`;
  return { item: "owner", met: !due, detail: `owned by ${team}, ${when}` };
}

/**
 * What is of high risk needs an undo. What is irreversible needs a person or a standing approval each time, whatever the
 * mode; what is of low risk and has no undo (power on) leaves nothing to take back.
 */
function undo({ steps }: PromotionFacts): GateItem {
  const without = (risk: Risk): string =>
    steps
      .filter((step) => step.risk === risk && !step.undoable)
      .map((step) => step.uses)
      .join(", ");
  const [high, never] = [without("high"), without("irreversible")];
  const also = never === "" ? "" : `; ${never} cannot be undone and always needs an approval`;
  if (high !== "") return { item: "undo", met: false, detail: `of high risk and without undo: ${high}${also}` };
  return { item: "undo", met: true, detail: `every step of high risk can be undone${also}` };
}

function harm({ harm: sli }: PromotionFacts): GateItem {
  if (sli === null) return { item: "harm", met: false, detail: "the runbook watches no SLI (harm)" };
  return { item: "harm", met: true, detail: `harm is watched by the SLI ${sli}` };
}
