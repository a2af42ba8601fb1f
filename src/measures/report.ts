/** What happened in a day, a week or a month: pure, over rows that the record has read (docs/measures.md). */
import { setImmediate as nextTurn } from "node:timers/promises";
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
  /** How many tickets were opened; `interventions` are the first of them. */
  tickets: number;
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
/** Of tickets, each of which somebody may look for: more than a day of a report has, a month of a very large fleet may. */
const MOST_TICKETS = 5_000;
/** Once is no pattern. */
const REPEATED = 2;

/** Part by part: between two of them whatever else the process has to do comes first. */
export async function reportOf(facts: ReportFacts, settings: ReportSettings): Promise<Report> {
  const parts: Partial<Report>[] = [];
  for (const part of partsOf(facts, settings)) {
    parts.push(part);
    await nextTurn();
  }
  return Object.assign({}, ...parts) as Report;
}

/** Together they are the report. Each goes over the rows a few times at most. */
function* partsOf(facts: ReportFacts, settings: ReportSettings): Generator<Partial<Report>> {
  const { period, now, group, rows, before, evidence, unmatched, unmatchedBefore, coverage } = facts;
  yield {
    period,
    madeAt: now,
    complete: period.to <= now,
    group,
    remediations: rows.length,
    outcomes: outcomesOf(rows),
  };
  const measures = measuresOf(rows, { unmatchedFaults: unmatched.faults, coverage });
  yield {};
  // What the inventory and slos.yaml said then is not known.
  const then = measuresOf(before, { unmatchedFaults: unmatchedBefore.faults, coverage: null });
  yield { measures: measures.map((one) => ({ ...one, before: then.find(({ id }) => id === one.id)?.value ?? null })) };
  yield { saved: savedOf(rows, settings) };
  yield interventionsOf(rows, settings.targets);
  yield { offenders: offendersOf(rows), refusals: refusalsOf(rows) };
  yield { rungs: rungsOf(rows) };
  const targets = settings.targets.filter((target) => group === null || target.group === group);
  const troubled = rows.filter(isTrouble).map(({ target }) => target);
  yield { patterns: patternsOf(troubled, { targets, labels: settings.labels }).slice(0, MOST) };
  const stale = settings.runbooks
    .filter(({ reviewBy }) => reviewBy < now)
    .map(({ name, owner, reviewBy }) => ({ runbook: name, owner, reviewBy }));
  yield { unmatched: unmatched.alerts.slice(0, MOST), evidence, stale };
}

function outcomesOf(rows: readonly Measured[]): Report["outcomes"] {
  const found = Map.groupBy(rows, ({ outcome }) => outcome);
  return OUTCOMES.map((outcome) => ({ outcome, remediations: found.get(outcome)?.length ?? 0 }));
}

/** As the record's `trouble`: it was acted on, or went to a person. */
function isTrouble({ acted, escalated }: Measured): boolean {
  return acted || escalated;
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

function interventionsOf(
  rows: readonly Reported[],
  targets: readonly Target[],
): Pick<Report, "tickets" | "interventions"> {
  const opened = rows.flatMap((row) => row.tickets.filter(isOpened).map((ticket) => ({ row, ticket })));
  opened.sort((a, b) => (a.ticket.at < b.ticket.at ? -1 : 1));
  const racks = new Map(targets.map((target) => [nameOf(target), target.rack]));
  const interventions = opened
    .slice(0, MOST_TICKETS)
    .map(({ row, ticket }) => interventionOf(row, ticket, racks.get(nameOf(row.target)) ?? null));
  return { tickets: opened.length, interventions };
}

function isOpened({ direction, state }: MeasuredEffect): boolean {
  return direction === "apply" && state === "happened";
}

function interventionOf(
  { target, runbook, remediationId, outcome, tickets }: Reported,
  { at, rung, step, request, result }: MeasuredEffect,
  rack: string | null,
): Intervention {
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
  const found = new Map<string, Map<string, Report["rungs"][number]>>();
  for (const { runbook: of, rungs, outcome } of rows) {
    const runbook = of ?? "";
    const ofRunbook = found.get(runbook) ?? new Map<string, Report["rungs"][number]>();
    found.set(runbook, ofRunbook);
    for (const [index, rung] of rungs.entries()) {
      const one = ofRunbook.get(rung) ?? { runbook, rung, tried: 0, healed: 0 };
      ofRunbook.set(rung, one);
      one.tried++;
      if (outcome === "healed" && index === rungs.length - 1) one.healed++;
    }
  }
  const order = ({ runbook, rung }: Report["rungs"][number]): string => JSON.stringify([runbook, rung]);
  const all = [...found.values()].flatMap((ofRunbook) => [...ofRunbook.values()]);
  return all.sort((a, b) => (order(a) < order(b) ? -1 : 1));
}
