/** What happened in a day, a week or a month: pure, over rows that the record has read (docs/measures.md). */
import type { MeasuredEffect, MeasuredRow, Unmatched, UnmatchedAlert } from "../contracts/measures.ts";
import { OUTCOMES, type Outcome } from "../contracts/remediation.ts";
import type { Target, TargetRef } from "../contracts/target.ts";
import type { Evidence } from "../policy/evidence.ts";
import { toMeasured, type Measured } from "./facts.ts";
import { measuresOf, type Beside, type Measure } from "./measures.ts";
import { patternsOf, type Pattern } from "./patterns.ts";
import type { Period } from "./period.ts";

/** A ticket that selfheal opened for a technician. */
export interface Intervention {
  /** ISO. */
  at: string;
  target: string;
  rack: string | null;
  runbook: string | null;
  remediationId: string;
  ticket: string;
  url: string;
  /** Of the part, where one was asked for. */
  serial: string | null;
  model: string | null;
  withdrawn: boolean;
  outcome: Outcome;
}

export interface Report {
  period: Period;
  /** ISO; when it was made. */
  madeAt: string;
  /** The period was over by then. */
  complete: boolean;
  group: string | null;
  remediations: number;
  outcomes: { outcome: Outcome; remediations: number }[];
  /** With the value of the period before, where there was something to measure. */
  measures: (Measure & { before: number | null })[];
  saved: { healed: number; minutes: number; byDefault: number; defaultMinutes: number };
  interventions: Intervention[];
  offenders: { target: string; remediations: number; acted: number; failed: number; alertnames: string[] }[];
  refusals: { code: string; remediations: number }[];
  rungs: { runbook: string; rung: string; tried: number; healed: number }[];
  patterns: Pattern[];
  unmatched: UnmatchedAlert[];
  evidence: Evidence[];
  stale: { runbook: string; owner: string; reviewBy: string }[];
}

/** Of the catalogue, as far as a report needs it. */
export interface ReportSettings {
  /** By name: minutes that one healed remediation spares, where the runbook says it. */
  runbooks: readonly { name: string; owner: string; reviewBy: string; savesMinutes: number | null }[];
  savesMinutes: number;
  labels: readonly string[];
  targets: readonly Target[];
}

/** What a report counts of a closed remediation: much less than the record has of it, and there may be very many. */
export interface Reported extends Measured, Pick<MeasuredRow, "target" | "alertnames" | "codes"> {
  /** Of which something was applied, in the order in which they began. */
  rungs: string[];
  /** Tickets that were asked for and taken back. */
  tickets: MeasuredEffect[];
}

export function toReported(row: MeasuredRow): Reported {
  const { target, alertnames, codes, effects } = row;
  const rungs = new Set(effects.filter(({ direction }) => direction === "apply").map(({ rung }) => rung));
  const tickets = effects.filter(({ action }) => action === "ticket.open");
  return { ...toMeasured(row), target, alertnames, codes, rungs: [...rungs], tickets };
}

export interface ReportFacts {
  period: Period;
  /** ISO. */
  now: string;
  group: string | null;
  rows: readonly Reported[];
  before: readonly Measured[];
  unmatched: Unmatched;
  unmatchedBefore: Unmatched;
  evidence: Evidence[];
  coverage: Beside["coverage"];
}

/** Rows of one list at most. */
const MOST = 10;
/** Once is no pattern. */
const REPEATED = 2;

export function reportOf(facts: ReportFacts, settings: ReportSettings): Report {
  const { period, now, group, rows, evidence, unmatched } = facts;
  const inGroup = settings.targets.filter((target) => group === null || target.group === group);
  const troubled = rows.filter(isTrouble).map(({ target }) => target);
  return {
    period,
    madeAt: now,
    complete: period.to <= now,
    group,
    remediations: rows.length,
    outcomes: OUTCOMES.map((outcome) => ({
      outcome,
      remediations: rows.filter((one) => one.outcome === outcome).length,
    })),
    measures: compared(facts),
    saved: savedOf(rows, settings),
    interventions: interventionsOf(rows, settings.targets),
    offenders: offendersOf(rows),
    refusals: refusalsOf(rows),
    rungs: rungsOf(rows),
    patterns: patternsOf(troubled, { targets: inGroup, labels: settings.labels }).slice(0, MOST),
    unmatched: unmatched.alerts.slice(0, MOST),
    evidence,
    stale: settings.runbooks
      .filter(({ reviewBy }) => reviewBy < now)
      .map(({ name, owner, reviewBy }) => ({ runbook: name, owner, reviewBy })),
  };
}

/** As the record's `trouble`: it was acted on, or went to a person. */
function isTrouble({ acted, escalated }: Measured): boolean {
  return acted || escalated;
}

function compared({ rows, before, unmatched, unmatchedBefore, coverage }: ReportFacts): Report["measures"] {
  const now = measuresOf(rows, { unmatchedFaults: unmatched.faults, coverage });
  // What the inventory and slos.yaml said then is not known.
  const then = measuresOf(before, { unmatchedFaults: unmatchedBefore.faults, coverage: null });
  return now.map((one) => ({ ...one, before: then.find(({ id }) => id === one.id)?.value ?? null }));
}

function savedOf(rows: readonly Measured[], { runbooks, savesMinutes }: ReportSettings): Report["saved"] {
  const said = new Map(runbooks.map((one) => [one.name, one.savesMinutes]));
  const healed = rows
    .filter(({ outcome }) => outcome === "healed")
    .map(({ runbook }) => said.get(runbook ?? "") ?? null);
  return {
    healed: healed.length,
    minutes: healed.reduce<number>((sum, own) => sum + (own ?? savesMinutes), 0),
    byDefault: healed.filter((own) => own === null).length,
    defaultMinutes: savesMinutes,
  };
}

function interventionsOf(rows: readonly Reported[], targets: readonly Target[]): Intervention[] {
  const racks = new Map(targets.map((target) => [nameOf(target), target.rack]));
  const found = rows.flatMap((row) => ticketsOf(row, racks.get(nameOf(row.target)) ?? null));
  return found.sort((a, b) => (a.at < b.at ? -1 : 1));
}

function ticketsOf(
  { target, runbook, remediationId, outcome, tickets }: Reported,
  rack: string | null,
): Intervention[] {
  const opened = tickets.filter(({ direction, state }) => direction === "apply" && state === "happened");
  return opened.map(({ at, rung, step, request, result }) => {
    const text = (from: MeasuredEffect["request"], name: string): string | null => {
      const value = from?.[name];
      return typeof value === "string" ? value : null;
    };
    const taken = tickets.find((one) => one.direction === "undo" && one.rung === rung && one.step === step);
    return {
      ...{ at, target: nameOf(target), rack, runbook, remediationId, outcome },
      ticket: text(result, "ticketId") ?? "",
      url: text(result, "url") ?? "",
      serial: text(request, "serial"),
      model: text(request, "model"),
      withdrawn: taken?.state === "happened",
    };
  });
}

export function nameOf({ kind, id }: TargetRef): string {
  return `${kind}/${id}`;
}

function offendersOf(rows: readonly Reported[]): Report["offenders"] {
  const byTarget = Map.groupBy(rows.filter(isTrouble), ({ target }) => nameOf(target));
  return [...byTarget]
    .filter(([, all]) => all.length >= REPEATED)
    .map(([target, all]) => ({
      target,
      remediations: all.length,
      acted: all.filter(({ acted }) => acted).length,
      failed: all.filter(({ outcome }) => outcome === "failed" || outcome === "escalated").length,
      alertnames: [...new Set(all.flatMap((one) => one.alertnames))].sort(),
    }))
    .sort((a, b) => b.remediations - a.remediations || (a.target < b.target ? -1 : 1))
    .slice(0, MOST);
}

function refusalsOf(rows: readonly Reported[]): Report["refusals"] {
  const codes = rows.filter(({ outcome }) => outcome === "refused").flatMap((row) => row.codes);
  return [...Map.groupBy(codes, (code) => code)]
    .map(([code, all]) => ({ code, remediations: all.length }))
    .sort((a, b) => b.remediations - a.remediations || (a.code < b.code ? -1 : 1));
}

/** A rung was tried when something of it was sent; it healed when it was the last one of a healed remediation. */
function rungsOf(rows: readonly Reported[]): Report["rungs"] {
  const tried = rows.flatMap(({ runbook, rungs, outcome }) =>
    rungs.map((rung, index) => {
      return { runbook: runbook ?? "", rung, healed: outcome === "healed" && index === rungs.length - 1 };
    }),
  );
  return [...Map.groupBy(tried, ({ runbook, rung }) => JSON.stringify([runbook, rung]))]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, all]) => {
      const [first] = all;
      if (first === undefined) return [];
      const healed = all.filter((one) => one.healed).length;
      return [{ runbook: first.runbook, rung: first.rung, tried: all.length, healed }];
    });
}
