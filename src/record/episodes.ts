/** The life of one episode once it is open (open.ts): progress, close. */
import { randomUUID } from "node:crypto";
import { type RawBuilder, sql, type Transaction } from "kysely";
import type { JsonObject } from "../contracts/json.ts";
import type { Outcome } from "../contracts/remediation.ts";
import type { Closed, CloseRequest, Progress } from "./api-episodes.ts";
import { GENESIS } from "./audit/chain.ts";
import { appendAudit } from "./audit.ts";
import { parentHealed } from "./breakers.ts";
import { now } from "./clock.ts";
import { stands } from "./effects.ts";
import { giveBackLeases } from "./left-out.ts";
import { lockAdmission } from "./locks.ts";
import { linkAlerts } from "./open.ts";
import { type Database, inTransaction } from "./pool.ts";
import { lockRemediation, type StoredRemediation } from "./remediation-row.ts";
import { pauseItself } from "./self-pause.ts";
import type { Tables } from "./tables.ts";

export async function progress(db: Database, remediationId: string, made: Progress): Promise<void> {
  await inTransaction(db, (tx) => setProgress(tx, remediationId, made));
}

export async function setProgress(tx: Transaction<Tables>, remediationId: string, made: Progress): Promise<void> {
  const { phase, doing, until } = made;
  const row = await lockRemediation(tx, remediationId);
  if (row.closed_at !== null) return;
  const unchanged = row.phase === phase && row.doing === doing && sameMoment(row.phase_until, until);
  if (unchanged) return;
  await tx.updateTable("remediations").set(asProgressed(made)).where("remediation_id", "=", remediationId).execute();
  if (row.phase === phase && row.doing === doing) return;
  await appendAudit(tx, { chain: remediationId, ...progressEntry(made) });
}

export function progressEntry(made: Progress): { key: string; kind: string; body: JsonObject } {
  return { key: `progress:${randomUUID()}`, kind: "progress", body: { ...made } };
}

/** What the remediation's row says of it. */
export function asProgressed({ phase, doing, until }: Progress) {
  return { phase, doing, phase_until: until };
}

function sameMoment(a: string | null, b: string | null): boolean {
  return a === null || b === null ? a === b : Date.parse(a) === Date.parse(b);
}

/**
 * Most episodes end without ever having held or waited for anything: those give no capacity back, and do not stand in
 * line for the admission lock.
 */
export async function close(db: Database, request: CloseRequest): Promise<Closed> {
  return (
    (await inTransaction(db, (tx) => tryClose(tx, request, false))) ??
    (await inTransaction(db, async (tx) => {
      await lockAdmission(tx);
      return tryClose(tx, request, true);
    }))
  );
}

/** Of what holds nothing and does not wait. */
export async function closeFree(tx: Transaction<Tables>, request: CloseRequest): Promise<Closed | null> {
  return tryClose(tx, request, false);
}

/** Null: it holds something or waits, and the admission lock is not held. */
async function tryClose(tx: Transaction<Tables>, request: CloseRequest, locked: true): Promise<Closed>;
async function tryClose(tx: Transaction<Tables>, request: CloseRequest, locked: boolean): Promise<Closed | null>;
async function tryClose(tx: Transaction<Tables>, request: CloseRequest, locked: boolean): Promise<Closed | null> {
  const { remediationId, outcome, faults } = request;
  const row = await lockRemediation(tx, remediationId);
  if (row.closed_at !== null) return { auditHead: row.closing_hash ?? GENESIS, gaveBack: true };
  const unsettled = await unknownTo(tx, request);
  if (unsettled.length > 0) return { auditHead: "", gaveBack: false, unsettled };
  const gaveBack = await holdsOrWaits(tx, remediationId);
  if (gaveBack && !locked) return null;
  if (faults.length > 0) {
    await insertDecided(request).execute(tx);
    await linkAlerts(remediationId, faults).execute(tx);
  }
  const keepLeases = gaveBack && (await isUnsettled(tx, remediationId));
  const leftOut = await giveBack(tx, row, outcome, keepLeases);
  await pauseItself(tx, row, outcome);
  if (outcome === "healed" || outcome === "recovered") {
    await parentHealed(tx, { kind: row.target_kind, id: row.target_id }, remediationId);
  }
  const entry = { chain: remediationId, ...closedEntry(request, { keepLeases, leftOut }) };
  const auditHead = await appendAudit(tx, entry);
  await tx
    .updateTable("remediations")
    .set(asClosed(request, auditHead))
    .where("remediation_id", "=", remediationId)
    .execute();
  return { auditHead, gaveBack };
}

export function closedEntry(
  { outcome, needsHuman, detail, faults }: CloseRequest,
  leases: { keepLeases: boolean; leftOut: string[] },
): { key: string; kind: string; body: JsonObject } {
  return { key: "closed", kind: "closed", body: { outcome, needsHuman, detail, faults: [...faults], ...leases } };
}

/** What the remediation's row says of it. */
export function asClosed({ outcome, needsHuman, detail }: CloseRequest, auditHead: string) {
  return {
    phase: "closed",
    doing: detail,
    phase_until: null,
    outcome,
    needs_human: needsHuman,
    detail,
    closed_at: now,
    closing_hash: auditHead,
  } as const;
}

/** A reset takes a run back to before what it had done; the effects are there all the same. */
async function unknownTo(tx: Transaction<Tables>, { remediationId, began }: CloseRequest): Promise<string[]> {
  if (began === undefined) return [];
  const found = await sql<{ place: string }>`
    select e.rung || '/' || e.step as place from effects e
     where e.remediation_id = ${remediationId} and ${stands} and e.rung || '/' || e.step <> all(${began}::text[])
     order by 1`.execute(tx);
  return found.rows.map(({ place }) => place);
}

async function holdsOrWaits(tx: Transaction<Tables>, remediationId: string): Promise<boolean> {
  const found = await sql<{ some: boolean }>`
    select exists (select 1 from leases where remediation_id = ${remediationId})
        or exists (select 1 from queue where remediation_id = ${remediationId}) as some`.execute(tx);
  return found.rows[0]?.some === true;
}

/** Law 2: what was started and is not settled keeps its leases until somebody settles it. */
async function isUnsettled(tx: Transaction<Tables>, remediationId: string): Promise<boolean> {
  const row = await tx
    .selectFrom("effects")
    .select("key")
    .where("remediation_id", "=", remediationId)
    .where("state", "in", ["intent", "pending", "unknown"])
    .executeTakeFirst();
  return row !== undefined;
}

export function insertDecided({ remediationId, faults }: CloseRequest): RawBuilder<unknown> {
  return sql`
    insert into decided_faults (fault_key, remediation_id, decided_at)
    select distinct f, ${remediationId}, selfheal_now() from unnest(${faults}::text[]) f order by f
    on conflict (fault_key) do update set remediation_id = excluded.remediation_id, decided_at = excluded.decided_at`;
}

/** Answers the scopes on which the target goes on counting, because it was left out of service. */
async function giveBack(
  tx: Transaction<Tables>,
  row: StoredRemediation,
  outcome: Outcome,
  keepLeases: boolean,
): Promise<string[]> {
  const remediationId = row.remediation_id;
  let leftOut: string[] = [];
  if (keepLeases) {
    await tx.updateTable("leases").set({ state: "orphaned" }).where("remediation_id", "=", remediationId).execute();
  } else {
    ({ leftOut } = await giveBackLeases(tx, row, outcome));
  }
  await tx.deleteFrom("queue").where("remediation_id", "=", remediationId).execute();
  await tx
    .updateTable("waits")
    .set({ done_at: now })
    .where("remediation_id", "=", remediationId)
    .where("done_at", "is", null)
    .execute();
  return leftOut;
}
