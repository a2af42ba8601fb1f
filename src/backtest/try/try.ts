/** `selfheal try`: what would have been done about what fired, with nothing configured and nothing written. */
import type { Actions, Catalogue } from "../../catalogue/catalogue.ts";
import type { Alert } from "../../contracts/alert.ts";
import type { JsonObject } from "../../contracts/json.ts";
import { fingerprintOf } from "../../starters/sources/bounds.ts";
import type { Assumptions } from "../assumptions.ts";
import { backtest, type BacktestReport } from "../backtest.ts";
import type { Fate } from "../fate.ts";
import { sideOf } from "../side.ts";
import { fleetOf, nameOf } from "./fleet.ts";
import { worths, type Worth } from "./worth.ts";

export interface FiredAlert {
  labels: Record<string, string>;
  /** ms since 1970. */
  startsAt: number;
  /** null: it still fires. */
  endsAt: number | null;
}

export interface TryReport {
  backtest: BacktestReport;
  /** Alerts by name that name nothing that could be a host, the most frequent first. */
  unnamed: { alertname: string; times: number; labels: string[] }[];
  worth: Worth[];
}

const MOST_WORTH = 3;

/** `catalogue` null: one is made of the alerts' own labels and these runbooks. */
export async function tryOut(options: {
  fired: readonly FiredAlert[];
  /** ms since 1970: until when what still fires has lasted. */
  to: number;
  runbooks: JsonObject[];
  catalogue: Catalogue | null;
  actions: Actions;
  assumptions: Assumptions;
}): Promise<TryReport> {
  const { fired, to, runbooks, actions, assumptions } = options;
  const catalogue =
    options.catalogue ??
    fleetOf(
      fired.map(({ labels }) => labels),
      runbooks,
      actions,
    );
  const fates = new Map<string, Fate>();
  const report = await backtest({
    alerts: inOrder(fired),
    before: null,
    after: sideOf({
      catalogue,
      assumptions,
      onFate: (alert, fate) => fates.set(alert.labels["alertname"] ?? "", fate),
    }),
  });
  const seen = fired.map(({ labels, startsAt, endsAt }) => ({ labels, lasted: (endsAt ?? to) - startsAt }));
  const all = worths(seen, fates);
  const nameless = Map.groupBy(
    fired.filter(({ labels }) => nameOf(labels) === null),
    ({ labels }) => labels["alertname"] ?? "",
  );
  const unnamed = [...nameless].map(([alertname, alerts]) => {
    const labels = Object.keys(alerts[0]?.labels ?? {}).sort();
    return { alertname, times: alerts.length, labels };
  });
  return {
    backtest: report,
    unnamed: unnamed.sort((a, b) => b.times - a.times),
    worth: all.filter((one) => one.targets > 0).slice(0, MOST_WORTH),
  };
}

/** Each tells of its beginning and, once it is over, of its end. */
async function* inOrder(fired: readonly FiredAlert[]): AsyncGenerator<Alert[]> {
  const alerts = fired.flatMap(({ labels, startsAt, endsAt }) => [
    alertOf(labels, startsAt, null),
    ...(endsAt === null ? [] : [alertOf(labels, startsAt, endsAt)]),
  ]);
  yield await Promise.resolve(alerts.sort((a, b) => (a.receivedAt < b.receivedAt ? -1 : 1)));
}

function alertOf(labels: Record<string, string>, startsAt: number, endsAt: number | null): Alert {
  const iso = (ms: number): string => new Date(ms).toISOString();
  return {
    fingerprint: fingerprintOf(labels),
    status: endsAt === null ? "firing" : "resolved",
    labels,
    annotations: {},
    startsAt: iso(startsAt),
    endsAt: endsAt === null ? null : iso(endsAt),
    source: "alertmanager",
    receivedAt: iso(endsAt ?? startsAt),
  };
}
