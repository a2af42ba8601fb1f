/** The closed remediations of the last 30 days, kept small and brought up to date by reading only what is new. */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Outcome } from "../contracts/remediation.ts";
import type { MeasureRecord } from "../record/api-measures.ts";
import type { RecordStore } from "../record/api.ts";
import { toMeasured, type Measured } from "./facts.ts";
import { measuresOf, type Beside, type Measure } from "./measures.ts";
import { measuredPages } from "./read-report.ts";

/** Empty runbook and group: of all. */
export interface Slice {
  runbook: string;
  group: string;
  measures: Measure[];
  outcomes: Map<Outcome, number>;
}

const WINDOW_MS = 30 * 24 * 3_600_000;
/** A transaction commits after the time that it wrote down. */
const OVERLAP_MS = 2 * 60_000;
/** Pairs of runbook and group; the rest is one more, `other`. */
const MOST_SLICES = 200;

export type WindowRecord = Pick<MeasureRecord, "measured" | "unmatchedAlerts" | "reviewsSince"> &
  Pick<RecordStore, "now">;

export class MeasuredWindow {
  readonly #record: WindowRecord;
  readonly #known = new Map<string, Measured>();
  /** Milliseconds of the record's time; null: nothing was read yet. */
  #readUntil: number | null = null;

  constructor(record: WindowRecord) {
    this.#record = record;
  }

  async slices(coverage: Beside["coverage"]): Promise<Slice[]> {
    const now = Date.parse(await this.#record.now());
    const oldest = new Date(now - WINDOW_MS).toISOString();
    await this.#read(oldest, now);
    const { faults } = await this.#record.unmatchedAlerts({ from: oldest, to: iso(now), group: null });
    const all = [...this.#known.values()];
    const total = sliceOf("", "", all, { unmatchedFaults: faults, coverage });
    return [total, ...(await bySlice(all))];
  }

  async #read(oldest: string, now: number): Promise<void> {
    const since = this.#readUntil === null ? oldest : iso(this.#readUntil - OVERLAP_MS);
    for await (const rows of measuredPages(this.#record, { from: since, to: iso(now + 1) }, null)) {
      for (const row of rows) this.#known.set(row.remediationId, toMeasured(row));
    }
    for (const { remediationId, review } of await this.#record.reviewsSince(since)) {
      const one = this.#known.get(remediationId);
      if (one !== undefined) one.review = review;
    }
    for (const [id, { closedAt }] of this.#known) if (closedAt < oldest) this.#known.delete(id);
    // Last: what could not be read is read again.
    this.#readUntil = now;
  }
}

/** Between two of them whatever else the process has to do comes first. */
async function bySlice(all: readonly Measured[]): Promise<Slice[]> {
  const groups = Map.groupBy(all, ({ runbook, group }) => JSON.stringify([runbook ?? "none", group]));
  const sorted = [...groups].sort(([a, some], [b, others]) => others.length - some.length || (a < b ? -1 : 1));
  const rest = sorted.slice(MOST_SLICES).flatMap(([, members]) => members);
  const slices: Slice[] = [];
  for (const [key, members] of sorted.slice(0, MOST_SLICES)) {
    await nextTurn();
    const [runbook, group] = JSON.parse(key) as [string, string];
    slices.push(sliceOf(runbook, group, members));
  }
  return rest.length === 0 ? slices : [...slices, sliceOf("other", "other", rest)];
}

/** Unmatched faults and coverage are of no runbook. */
function sliceOf(
  runbook: string,
  group: string,
  members: readonly Measured[],
  beside: Beside = { unmatchedFaults: 0, coverage: null },
): Slice {
  const outcomes = new Map<Outcome, number>();
  for (const { outcome } of members) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  const measures = measuresOf(members, beside).filter(({ id }) => beside.coverage !== null || id !== "M9");
  return { runbook, group, measures, outcomes };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
