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

/** `signal` ends it between two pages. */
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
    allMeasured(record, period, group, toReported, signal),
    allMeasured(record, then, group, toMeasured, signal),
    record.unmatchedAlerts({ from: period.from, to: period.to, group }),
    record.unmatchedAlerts({ from: then.from, to: then.to, group }),
    record.cases(catalogue.promotion.within),
  ]);
  const evidence = evidenceOf(cases.filter((one) => group === null || one.group === group));
  const coverage = coverageOf(catalogue, group);
  const facts = { period, now, group, rows, before: rowsBefore, unmatched, unmatchedBefore, evidence, coverage };
  return reportOf(facts, settingsOf(catalogue));
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
