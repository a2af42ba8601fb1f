/** A report of a day, a week or a month, and postmortem drafts, for the API. */
import type { Catalogue } from "../catalogue/catalogue.ts";
import { before, PERIOD_HELP, periodAt, periodOf, type Period, type PeriodKind } from "../measures/period.ts";
import { PrunedPeriod, readReport, type ReportRecord } from "../measures/read-report.ts";
import type { Report } from "../measures/report.ts";
import { readPostmortem, type PostmortemRecord } from "../measures/read-postmortem.ts";
import type { MeasureRecord } from "../record/api-measures.ts";
import type { RecordStore } from "../record/api.ts";
import { findRemediation } from "./decisions.ts";
import { conflict, throughRecord, Unavailable, wrongField } from "./problems.ts";
import { requireGroup } from "./standing.ts";

export interface ReportDependencies {
  record: ReportRecord & PostmortemRecord & Pick<RecordStore, "find"> & Pick<MeasureRecord, "postmortem">;
  active: () => Promise<Catalogue>;
  reports: ReportQueue;
}

export interface ReportWish {
  kind: PeriodKind;
  /** null: the last one that is over. */
  name: string | null;
  group: string | null;
}

/** Of many single reads, each with its own bound. */
const REPORT_WITHIN_MS = 60_000;
/** With the one that is being made. */
const MOST_REPORTS = 4;

/**
 * One report at a time in a process: each reads the whole history of its period, and several would take the connections
 * that decisions need. Who asks for one that is asked for already gets the same.
 */
export class ReportQueue {
  readonly #asked = new Map<string, Promise<Report>>();
  #last: Promise<unknown> = Promise.resolve();

  /** @throws Unavailable while too many are asked for. */
  make(key: string, work: () => Promise<Report>): Promise<Report> {
    const there = this.#asked.get(key);
    if (there !== undefined) return there;
    if (this.#asked.size >= MOST_REPORTS) {
      throw new Unavailable("capacity", `${MOST_REPORTS} other reports are being made`, { retryAfterSeconds: 10 });
    }
    const made = this.#last.then(work).finally(() => this.#asked.delete(key));
    this.#last = made.catch(() => undefined);
    this.#asked.set(key, made);
    return made;
  }
}

export async function report({ record, active, reports }: ReportDependencies, wish: ReportWish): Promise<Report> {
  const catalogue = await throughRecord("read the active catalogue", active);
  if (wish.group !== null) requireGroup(catalogue, wish.group);
  const now = await throughRecord("read the time", () => record.now());
  const period = requirePeriod(wish, now, catalogue.reports.timezone);
  const made = (): Promise<Report> =>
    readReport(record, catalogue, period, wish.group, AbortSignal.timeout(REPORT_WITHIN_MS)).catch(asRefusal);
  const key = JSON.stringify([period, wish.group]);
  return throughRecord("read the report", () => reports.make(key, made), REPORT_WITHIN_MS);
}

function asRefusal(error: unknown): never {
  throw error instanceof PrunedPeriod ? conflict(error.message) : error;
}

function requirePeriod({ kind, name }: ReportWish, now: string, timezone: string): Period {
  if (name === null) return before(periodAt(kind, now, timezone));
  const period = periodOf(kind, name, timezone);
  if (period === null) throw wrongField("name", JSON.stringify(name.slice(0, 100)), PERIOD_HELP[kind]);
  if (period.from > now) throw wrongField("name", name, `a ${kind} that has begun: it begins at ${period.from}`);
  return period;
}

export interface PostmortemAnswer {
  remediationId: string;
  owner: string;
  markdown: string;
  /** ISO; when it was made and kept. null: it was made for this answer alone. */
  keptAt: string | null;
}

/** Only a worker has the way to Prometheus. */
const NO_PLOT = { ok: false, reason: "this draft was made on demand, without asking Prometheus" } as const;

/** The one that is kept, or else one that is made now. `id`: as everywhere. */
export async function postmortem(
  { record }: Pick<ReportDependencies, "record">,
  id: string,
): Promise<PostmortemAnswer> {
  const { remediationId } = await findRemediation(record, id);
  return throughRecord("read the postmortem", async () => {
    const kept = await record.postmortem(remediationId);
    if (kept !== null) {
      const { owner, markdown, madeAt: keptAt } = kept;
      return { remediationId, owner, markdown, keptAt };
    }
    const made = await readPostmortem(record, remediationId, () => Promise.resolve(NO_PLOT));
    if (made === null) throw new Error(`the record lists ${remediationId} and has no story of it`);
    return { remediationId, owner: made.owner, markdown: made.markdown, keptAt: null };
  });
}
