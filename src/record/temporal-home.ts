/** Which Temporal namespace the record belongs to (design §3 law 2): pinned at first use, moved only by a person. */
import { appendControl } from "./audit.ts";
import type { TemporalHome, TemporalIdentity } from "./api-temporal.ts";
import { now } from "./clock.ts";
import { type Database, inTransaction, type Session } from "./pool.ts";

export async function temporalHome(db: Session): Promise<TemporalHome | null> {
  const row = await db
    .selectFrom("temporal_home")
    .select(["namespace_id as namespaceId", "namespace", "address", "since", "by_person as by"])
    .executeTakeFirst();
  return row ?? null;
}

export async function pinTemporal(db: Database, seen: TemporalIdentity): Promise<TemporalHome> {
  return inTransaction(db, async (tx) => {
    const pinned = await tx
      .insertInto("temporal_home")
      .values({ ...columns(seen), since: now, by_person: null })
      .onConflict((conflict) => conflict.doNothing())
      .returning("since")
      .executeTakeFirst();
    if (pinned !== undefined) {
      const key = `temporal:${pinned.since}`;
      await appendControl(tx, { key, kind: "temporalPinned", body: { ...seen } });
      return { ...seen, since: pinned.since, by: null };
    }
    const home = await temporalHome(tx);
    // Rows of this table are never removed.
    if (home === null) throw new Error("the record's Temporal namespace was neither pinned nor found");
    return home;
  });
}

export async function moveTemporal(
  db: Database,
  to: TemporalIdentity,
  by: string,
  reason: string,
): Promise<TemporalHome> {
  return inTransaction(db, async (tx) => {
    const values = { ...columns(to), since: now, by_person: by };
    const from = await tx.selectFrom("temporal_home").select("namespace_id").forUpdate().executeTakeFirst();
    const { since } = await tx
      .insertInto("temporal_home")
      .values(values)
      .onConflict((conflict) => conflict.column("singleton").doUpdateSet(values))
      .returning("since")
      .executeTakeFirstOrThrow();
    const body = { ...to, from: from?.namespace_id ?? null, by, reason };
    await appendControl(tx, { key: `temporal:${since}`, kind: "temporalMoved", body });
    return { ...to, since, by };
  });
}

function columns({ namespaceId, namespace, address }: TemporalIdentity) {
  return { namespace_id: namespaceId, namespace, address };
}
