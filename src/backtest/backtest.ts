/** Recorded alerts through one catalogue, or through two side by side, in virtual time. Streams: memory stays flat. */
import type { Alert, FaultKey } from "../contracts/alert.ts";
import { faultKey } from "../contracts/ids.ts";
import type { Verdict } from "../contracts/verdict.ts";
import type { Catalogue } from "../catalogue/catalogue.ts";
import type { Assumptions } from "./assumptions.ts";
import { Comparison, type ComparisonReport } from "./compare.ts";
import type { Fate } from "./fate.ts";
import { Tally, type TallyReport } from "./tally.ts";
import { World } from "./world.ts";

export interface BacktestOptions {
  /** In the order of `receivedAt`; what comes late counts at the moment that was reached. */
  alerts: AsyncIterable<Alert[]>;
  /** The catalogue in force. null: only `after` is run. */
  before: Catalogue | null;
  after: Catalogue;
  assumptions: Assumptions;
  /** Of each fault in the world of `after`. */
  onFate?: (alert: Alert, fate: Fate) => void;
  /** Of each decision of that world about a plan. */
  onVerdict?: (alert: Alert, verdict: Verdict) => void;
}

export interface WorldReport extends TallyReport {
  catalogue: string;
  breakers: readonly { scope: string; reason: string; trippedAt: string }[];
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

export async function backtest(options: BacktestOptions): Promise<BacktestReport> {
  const run = new Run(options);
  for await (const batch of options.alerts) for (const alert of batch) run.take(alert);
  return run.report();
}

class Run {
  private readonly comparison: Comparison | null;
  private readonly before: Side | null;
  private readonly after: Side;
  private alerts = 0;
  private firing = 0;
  private late = 0;
  private from: number | null = null;

  constructor({ before, after, assumptions, onFate, onVerdict }: BacktestOptions) {
    const comparison = before === null ? null : new Comparison();
    this.comparison = comparison;
    this.before =
      before === null ? null : new Side(before, assumptions, (key, fate) => comparison?.told("before", key, fate));
    const told = (key: FaultKey, fate: Fate, alert: Alert): void => {
      comparison?.told("after", key, fate);
      onFate?.(alert, fate);
    };
    this.after = new Side(after, assumptions, told, onVerdict);
  }

  take(alert: Alert): void {
    const at = Date.parse(alert.receivedAt);
    this.alerts += 1;
    if (alert.status === "firing") this.firing += 1;
    this.from ??= at;
    if (at < this.after.world.now) this.late += 1;
    const before = this.before?.take(alert, at) ?? null;
    const after = this.after.take(alert, at);
    if (before !== null && alert.status === "firing") this.comparison?.taken(faultKey(alert), alert, before, after);
  }

  report(): BacktestReport {
    this.before?.world.finish();
    this.after.world.finish();
    return {
      alerts: this.alerts,
      firing: this.firing,
      from: this.from === null ? null : new Date(this.from).toISOString(),
      to: this.from === null ? null : new Date(this.after.world.now).toISOString(),
      late: this.late,
      before: this.before?.report() ?? null,
      after: this.after.report(),
      comparison: this.comparison?.report() ?? null,
    };
  }
}

class Side {
  readonly world: World;
  private readonly catalogue: Catalogue;
  private readonly tally = new Tally();

  constructor(
    catalogue: Catalogue,
    assumptions: Assumptions,
    told: World["options"]["onFate"],
    onVerdict?: BacktestOptions["onVerdict"],
  ) {
    this.catalogue = catalogue;
    this.world = new World({
      catalogue,
      assumptions,
      onVerdict,
      onFate: (key, fate, alert) => {
        this.tally.add(fate);
        told(key, fate, alert);
      },
    });
  }

  take(alert: Alert, at: number) {
    this.world.advance(at);
    const taken = this.world.receive(alert);
    if (taken === "repeat" || (taken === "unmatched" && alert.status === "firing")) this.tally.count(taken);
    return taken;
  }

  report(): WorldReport {
    return { catalogue: this.catalogue.version, ...this.tally.report(), breakers: this.world.breakersTripped };
  }
}
