/** Every alert of the record in the order in which it came, a page at a time: what `selfheal backtest` replays. */
import { sql } from "kysely";
import type { Alert } from "../contracts/alert.ts";
import { openDatabase } from "./pool.ts";

const PAGE = 2_000;

/** `from` and `to` (not included) are ISO times. A repeat of an alert is the alert: it came when it came first. */
export async function* exportAlerts(
  databaseUrl: string,
  { from, to }: { from?: string; to?: string },
): AsyncGenerator<Alert[]> {
  const db = openDatabase(databaseUrl, { poolSize: 1, applicationName: "selfheal export" });
  try {
    let after = { receivedAt: from ?? "-infinity", faultKey: "", status: "" };
    for (;;) {
      const { rows } = await sql<Alert & { faultKey: string }>`
        select fault_key as "faultKey", fingerprint, status, labels, annotations, starts_at as "startsAt",
               ends_at as "endsAt", source, received_at as "receivedAt"
          from alerts
         where (received_at, fault_key, status) > (${after.receivedAt}::timestamptz, ${after.faultKey}, ${after.status})
           and received_at < ${to ?? "infinity"}::timestamptz and disposition <> 'ignored'
         order by received_at, fault_key, status limit ${PAGE}`.execute(db);
      const last = rows.at(-1);
      if (last === undefined) return;
      after = { receivedAt: last.receivedAt, faultKey: last.faultKey, status: last.status };
      yield rows.map(({ faultKey: _, ...alert }) => alert);
    }
  } finally {
    await db.destroy();
  }
}
