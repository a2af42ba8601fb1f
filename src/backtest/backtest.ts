/** Recorded alerts through one catalogue, or through two side by side, in virtual time. Streams: memory stays flat. */
import type { Alert } from "../contracts/alert.ts";
import { Comparison, type ComparisonReport } from "./compare.ts";
import type { Side, SideBatch, WorldReport } from "./side.ts";

export interface BacktestOptions {
  /** In the order of `receivedAt`; what comes late counts at the moment that was reached. */
  alerts: AsyncIterable<readonly Alert[]>;
  /** The catalogue in force. null: only `after` is run. */
  before: Side | null;
  after: Side;
  /** Alerts that both have taken so far. */
  onProgress?: (alerts: number) => void;
  /** Aborted: it rejects with the signal's reason. */
  signal?: AbortSignal;
}

export interface BacktestReport {
  alerts: number;
  firing: number;
  /** ISO; null: there was no alert. */
  from: string | null;
  to: string | null;
  /** Alerts that were earlier than one before them. */
  late: number;
  before: WorldReport | null;
  after: WorldReport;
  comparison: ComparisonReport | null;
}

/** Batches that one side may be ahead of the other, where they run at the same time. */
const MOST_AHEAD = 4;

export async function backtest({
  alerts,
  before,
  after,
  onProgress,
  signal,
}: BacktestOptions): Promise<BacktestReport> {
  const seen = new Seen();
  const comparison = before === null ? null : new Comparison();
  const running: Running[] = [];
  const settle = async (): Promise<void> => {
    const { batch, sides } = running.shift() as Running;
    const [one, other] = await sides;
    if (one !== null) comparison?.add(batch, one, other);
    seen.add(batch);
    onProgress?.(seen.alerts);
  };
  for await (const batch of alerts) {
    signal?.throwIfAborted();
    const sides = Promise.all([before?.run(batch) ?? null, after.run(batch)]);
    // Whoever waits for it hears of it; until then it is nobody's.
    sides.catch(() => undefined);
    running.push({ batch, sides });
    if (running.length > MOST_AHEAD) await settle();
  }
  while (running.length > 0) await settle();
  const [last, end] = await Promise.all([before?.finish() ?? null, after.finish()]);
  if (last !== null) comparison?.end(last, end);
  return {
    ...seen.report(),
    before: last?.report ?? null,
    after: end.report,
    comparison: comparison?.report() ?? null,
  };
}

interface Running {
  batch: readonly Alert[];
  sides: Promise<[SideBatch | null, SideBatch]>;
}

/** What the recording holds. */
class Seen {
  alerts = 0;
  private firing = 0;
  private late = 0;
  private from: number | null = null;
  /** The latest moment so far. */
  private to = Number.NEGATIVE_INFINITY;

  add(batch: readonly Alert[]): void {
    for (const { receivedAt, status } of batch) {
      const at = Date.parse(receivedAt);
      this.alerts += 1;
      if (status === "firing") this.firing += 1;
      this.from ??= at;
      if (at < this.to) this.late += 1;
      else this.to = at;
    }
  }

  report(): Pick<BacktestReport, "alerts" | "firing" | "from" | "to" | "late"> {
    const { alerts, firing, late, from, to } = this;
    const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
    return { alerts, firing, late, from: iso(from), to: from === null ? null : iso(to) };
  }
}
