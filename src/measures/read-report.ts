/** Reads a report: pages of closed remediations of a period and of the one before, and what the catalogue says. */
import type { Catalogue } from "../catalogue/catalogue.ts";
import type { MeasuredRow, Span } from "../contracts/measures.ts";
import { evidenceOf } from "../policy/evidence.ts";
import type { MeasuredCursor, MeasuredPage, MeasureRecord } from "../record/api-measures.ts";
import type { RecordStore } from "../record/api.ts";
import { coverageOf } from "./coverage.ts";
import { toMeasured } from "./facts.ts";
import { before, type Period } from "./period.ts";
import { reportOf, toReported, type Report, type ReportSettings } from "./report.ts";

export type ReportRecord = Pick<MeasureRecord, "measured" | "unmatchedAlerts"> & Pick<RecordStore, "now" | "cases">;

/** What is left of remediations whose details were removed would be counted as if nobody had had a hand in them. */
export class PrunedPeriod extends Error {
  override readonly name = "PrunedPeriod";
  constructor({ kind, name }: Period) {
    super(
      `details of remediations that were closed in ${kind} ${name} were removed (record prune): it cannot be counted`,
    );
  }
}

/**
 * `signal` ends it between two pages.
 * @throws PrunedPeriod
 */
export async function readReport(
  record: ReportRecord,
  catalogue: Catalogue,
  period: Period,
  group: string | null,
  signal?: AbortSignal,
): Promise<Report> {
  const then = before(period);
  const [now, rows, rowsBefore, unmatched, unmatchedBefore, cases] = await Promise.all([
    record.now(),
    allMeasured(record, period, group, whole(period, toReported), signal),
    allMeasured(record, then, group, whole(then, toMeasured), signal).catch(nullWherePruned),
    record.unmatchedAlerts({ from: period.from, to: period.to, group }),
    record.unmatchedAlerts({ from: then.from, to: then.to, group }),
    record.cases(catalogue.promotion.within),
  ]);
  const evidence = evidenceOf(cases.filter((one) => group === null || one.group === group));
  const coverage = coverageOf(catalogue, group);
  const compared = { before: rowsBefore ?? [], unmatchedBefore: rowsBefore === null ? NO_ALERTS : unmatchedBefore };
  const facts = { period, now, group, rows, unmatched, evidence, coverage, ...compared };
  return reportOf(facts, settingsOf(catalogue));
}

const NO_ALERTS = { faults: 0, alerts: [] };

function whole<T>(period: Period, make: (row: MeasuredRow) => T): (row: MeasuredRow) => T {
  return (row) => {
    if (row.pruned) throw new PrunedPeriod(period);
    return make(row);
  };
}

/** It is only there to compare with. */
function nullWherePruned(error: unknown): null {
  if (error instanceof PrunedPeriod) return null;
  throw error;
}

/** Page by page: what is made of the rows may be much smaller than they are. */
export async function* measuredPages(
  record: Pick<MeasureRecord, "measured">,
  { from, to }: Span,
  group: string | null,
): AsyncGenerator<MeasuredRow[]> {
  let after: MeasuredCursor | null = null;
  do {
    const page: MeasuredPage = await record.measured({ from, to, group, after });
    yield page.rows;
    after = page.next;
  } while (after !== null);
}

/** What is made of all rows, page by page. */
export async function allMeasured<T>(
  record: Pick<MeasureRecord, "measured">,
  span: Span,
  group: string | null,
  make: (row: MeasuredRow) => T,
  signal?: AbortSignal,
): Promise<T[]> {
  const all: T[] = [];
  for await (const rows of measuredPages(record, span, group)) {
    signal?.throwIfAborted();
    for (const row of rows) all.push(make(row));
  }
  return all;
}

export function settingsOf({ runbooks, reports, inventory }: Catalogue): ReportSettings {
  return {
    runbooks: runbooks.map(({ name, owner, spec }) => {
      const { reviewBy, savesMinutes = null } = spec.metadata;
      return { name, owner, reviewBy, savesMinutes };
    }),
    savesMinutes: reports.savesMinutes,
    labels: reports.patterns,
    targets: inventory.targets,
  };
}
