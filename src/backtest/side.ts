/** One catalogue of a backtest: batches of alerts go in, what became of faults comes out. */
import type { Alert, FaultKey } from "../contracts/alert.ts";
import type { Verdict } from "../contracts/verdict.ts";
import type { Catalogue } from "../catalogue/catalogue.ts";
import type { Assumptions } from "./assumptions.ts";
import type { Fate } from "./fate.ts";
import { Tally, type TallyReport } from "./tally.ts";
import { World, type Taken } from "./world.ts";

/** In this thread, or in another one (cli/backtest-thread.ts). Batches are run in the order in which they are given. */
export interface Side {
  run(alerts: readonly Alert[]): Promise<SideBatch>;
  /** Virtual time stops after the last batch. */
  finish(): Promise<SideEnd>;
}

export interface SideBatch {
  /** Of each alert. */
  taken: Taken[];
  told: Told[];
}

export interface SideEnd {
  told: Told[];
  report: WorldReport;
}

/** The fate of a fault, which was known before alert `at` of the batch was received. */
export interface Told {
  at: number;
  key: FaultKey;
  fate: Fate;
}

export interface WorldReport extends TallyReport {
  catalogue: string;
  breakers: readonly { scope: string; reason: string; trippedAt: string }[];
}

export interface SideOptions {
  catalogue: Catalogue;
  assumptions: Assumptions;
  /** Of each fault, once. */
  onFate?: (alert: Alert, fate: Fate) => void;
  /** Of each decision about a plan. */
  onVerdict?: (alert: Alert, verdict: Verdict) => void;
}

export function sideOf(options: SideOptions): Side {
  const side = new OwnSide(options);
  return {
    run: (alerts) => Promise.resolve(side.run(alerts)),
    finish: () => Promise.resolve(side.finish()),
  };
}

class OwnSide {
  private readonly world: World;
  private readonly catalogue: Catalogue;
  private readonly tally = new Tally();
  private told: Told[] = [];
  private at = 0;

  constructor({ catalogue, assumptions, onFate, onVerdict }: SideOptions) {
    this.catalogue = catalogue;
    this.world = new World({
      catalogue,
      assumptions,
      onVerdict,
      onFate: (key, fate, alert) => {
        this.tally.add(fate);
        this.told.push({ at: this.at, key, fate });
        onFate?.(alert, fate);
      },
    });
  }

  run(alerts: readonly Alert[]): SideBatch {
    this.told = [];
    const taken = alerts.map((alert, at) => {
      this.at = at;
      return this.take(alert);
    });
    return { taken, told: this.told };
  }

  finish(): SideEnd {
    this.told = [];
    this.at = 0;
    this.world.finish();
    const report = { catalogue: this.catalogue.version, ...this.tally.report(), breakers: this.world.breakersTripped };
    return { told: this.told, report };
  }

  private take(alert: Alert): Taken {
    this.world.advance(Date.parse(alert.receivedAt));
    const taken = this.world.receive(alert);
    if (taken === "repeat" || (taken === "unmatched" && alert.status === "firing")) this.tally.count(taken);
    return taken;
  }
}
