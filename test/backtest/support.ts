import { DEFAULT_ASSUMPTIONS, type Assumptions } from "../../src/backtest/assumptions.ts";
import { backtest, type BacktestReport } from "../../src/backtest/backtest.ts";
import type { Fate } from "../../src/backtest/fate.ts";
import { sideOf } from "../../src/backtest/side.ts";
import type { Catalogue } from "../../src/catalogue/catalogue.ts";
import type { Alert } from "../../src/contracts/alert.ts";
import { fingerprintOf } from "../../src/starters/sources/bounds.ts";

export const BEGIN = Date.parse("2026-11-01T00:00:00Z");
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;

const iso = (ms: number): string => new Date(ms).toISOString();

/** `at` and `startedAt` in minutes since the beginning. */
export function firing(labels: Record<string, string>, at: number, startedAt = at): Alert {
  return {
    fingerprint: fingerprintOf(labels),
    status: "firing",
    labels,
    annotations: {},
    startsAt: iso(BEGIN + startedAt * MINUTE_MS),
    endsAt: null,
    source: "alertmanager",
    receivedAt: iso(BEGIN + at * MINUTE_MS),
  };
}

export function resolved(labels: Record<string, string>, at: number, startedAt: number): Alert {
  const receivedAt = iso(BEGIN + at * MINUTE_MS);
  return { ...firing(labels, at, startedAt), status: "resolved", endsAt: receivedAt, receivedAt };
}

export interface Replayed {
  report: BacktestReport;
  /** In the order in which they were told. */
  fates: (Fate & { alert: Alert })[];
}

export async function replay(
  alerts: Alert[],
  after: Catalogue,
  given: { before?: Catalogue; assume?: Partial<Assumptions> } = {},
): Promise<Replayed> {
  const fates: Replayed["fates"] = [];
  const evidence = () => ({ disk: { serial: "S1", slot: "0" } });
  const assumptions = { ...DEFAULT_ASSUMPTIONS, evidence, ...given.assume };
  const report = await backtest({
    alerts: stream(alerts),
    before: given.before === undefined ? null : sideOf({ catalogue: given.before, assumptions }),
    after: sideOf({ catalogue: after, assumptions, onFate: (alert, fate) => fates.push({ ...fate, alert }) }),
  });
  return { report, fates };
}

async function* stream(alerts: Alert[]): AsyncGenerator<Alert[]> {
  yield await Promise.resolve(alerts);
}
