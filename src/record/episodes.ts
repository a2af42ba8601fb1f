/** The life of one episode: open (laws 5 and 8), progress, close. */
import { randomUUID } from "node:crypto";
import { sql, type Transaction } from "kysely";
import type { FaultKey } from "../contracts/alert.ts";
import type { JsonObject } from "../contracts/json.ts";
import type { Outcome, Phase } from "../contracts/remediation.ts";
import type { OpenEpisode, Opened, RecordStore } from "./api.ts";
import { appendAudit, GENESIS, startChain } from "./audit.ts";
import { now } from "./clock.ts";
import { RecordConflict } from "./errors.ts";
import { giveBackLeases } from "./left-out.ts";
import { lockAdmission } from "./locks.ts";
import { type Database, inTransaction } from "./pool.ts";
import { lockRemediation, type StoredRemediation } from "./remediation-row.ts";
import { pauseItself } from "./self-pause.ts";
import { pauseScopesOfEpisode } from "./scopes.ts";
import type { Tables } from "./tables.ts";

/** Another episode may close between the failed insert and the look for it; then the insert is tried again. */
const OPEN_ATTEMPTS = 5;

export async function open(db: Database, episode: OpenEpisode): Promise<Opened> {
  for (let attempt = 1; attempt <= OPEN_ATTEMPTS; attempt++) {
    const opened = await inTransaction(db, (tx) => tryOpen(tx, episode));
    if (opened !== null) return opened;
  }
  throw new RecordConflict(
    `episodes of ${episode.target.kind}/${episode.target.id} open and close faster than one can look`,
  );
}

async function tryOpen(tx: Transaction<Tables>, episode: OpenEpisode): Promise<Opened | null> {
  const known = await tx
    .selectFrom("remediations")
    .select(["closed_at", "run_id"])
    .where("remediation_id", "=", episode.remediationId)
    .executeTakeFirst();
  if (known !== undefined) return openAgain(tx, episode, known);
  const decidedBy = await decidedBefore(tx, episode);
  if (decidedBy !== null) {
    await appendRepeats(tx, decidedBy, episode.faults);
    return { kind: "decidedBefore", remediationId: decidedBy };
  }
  if (await insertEpisode(tx, episode)) {
    await linkFaults(tx, episode.remediationId, episode.faults);
    await startChain(tx, episode.remediationId);
    const { remediationId, faultList, ...rest } = { ...episode, faultList: [...episode.faults] };
    const body = { ...rest, target: { ...episode.target }, faults: faultList } as unknown as JsonObject;
    await appendAudit(tx, { chain: remediationId, key: "opened", kind: "opened", body });
    return { kind: "opened" };
  }
  const other = await openOf(tx, episode);
  return other === null ? null : { kind: "otherOpen", remediationId: other };
}

/**
 * The activity was tried again after its reply was lost, or its workflow was reset to before it. What a reset run had
 * done already changed the world that would be confirmed: that is settled first, as of any run that is gone.
 */
async function openAgain(
  tx: Transaction<Tables>,
  { remediationId, runId }: OpenEpisode,
  known: { closed_at: string | null; run_id: string },
): Promise<Opened> {
  if (known.closed_at !== null) return { kind: "decidedBefore", remediationId };
  if (known.run_id === runId) return { kind: "opened" };
  const effect = await tx
    .selectFrom("effects")
    .select("key")
    .where("remediation_id", "=", remediationId)
    .executeTakeFirst();
  if (effect !== undefined) return { kind: "otherOpen", remediationId };
  await tx.updateTable("remediations").set({ run_id: runId }).where("remediation_id", "=", remediationId).execute();
  return { kind: "opened" };
}

/** The closed episode that decided the newest of these faults, when every one was decided. */
async function decidedBefore(tx: Transaction<Tables>, episode: OpenEpisode): Promise<string | null> {
  const faults = [...new Set(episode.faults)];
  if (faults.length === 0) return null;
  let query = tx.selectFrom("decided_faults").select("remediation_id").where("fault_key", "in", faults);
  if (typeof episode.reopenAfterMs === "number") {
    const oldest = sql<string>`${now} - ${episode.reopenAfterMs} * interval '1 millisecond'`;
    query = query.where("decided_at", ">=", oldest);
  }
  const decided = await query.orderBy("decided_at", "desc").execute();
  return decided.length === faults.length ? (decided[0]?.remediation_id ?? null) : null;
}

async function appendRepeats(tx: Transaction<Tables>, chain: string, faults: FaultKey[]): Promise<void> {
  const entry = { chain, key: `repeat:${[...faults].sort().join(",")}`, kind: "repeat", body: { faults: [...faults] } };
  await appendAudit(tx, entry);
}

async function insertEpisode(tx: Transaction<Tables>, episode: OpenEpisode): Promise<boolean> {
  const inserted = await tx
    .insertInto("remediations")
    .values({
      remediation_id: episode.remediationId,
      workflow_id: episode.workflowId,
      run_id: episode.runId,
      target_kind: episode.target.kind,
      target_id: episode.target.id,
      runbook: episode.runbook,
      group_name: episode.group,
      owner: episode.owner,
      severity: episode.severity,
      phase: "open",
      doing: "opened",
      pause_scopes: pauseScopesOfEpisode(episode),
      detail: "",
      needs_human: false,
      opened_at: now,
    })
    // Waits for a concurrent open of the same target, then sees it: the index is the lock.
    .onConflict((conflict) => conflict.doNothing())
    .returning("remediation_id")
    .execute();
  return inserted.length === 1;
}

async function openOf(tx: Transaction<Tables>, episode: OpenEpisode): Promise<string | null> {
  const found = await tx
    .selectFrom("remediations")
    .select("remediation_id")
    .where("target_kind", "=", episode.target.kind)
    .where("target_id", "=", episode.target.id)
    .where("closed_at", "is", null)
    .executeTakeFirst();
  return found?.remediation_id ?? null;
}

async function linkFaults(tx: Transaction<Tables>, remediationId: string, faults: FaultKey[]): Promise<void> {
  if (faults.length === 0) return;
  await sql`
    update alerts set remediation_id = ${remediationId}
     where (fault_key, status) in (
       select fault_key, status from alerts where fault_key = any(${faults}::text[]) order by 1, 2 for update)`.execute(
    tx,
  );
}

export async function progress(
  db: Database,
  remediationId: string,
  phase: Phase,
  doing: string,
  until: string | null,
): Promise<void> {
  await inTransaction(db, async (tx) => {
    const row = await lockRemediation(tx, remediationId);
    if (row.closed_at !== null) return;
    const unchanged = row.phase === phase && row.doing === doing && sameMoment(row.phase_until, until);
    if (unchanged) return;
    await tx
      .updateTable("remediations")
      .set({ phase, doing, phase_until: until })
      .where("remediation_id", "=", remediationId)
      .execute();
    if (row.phase === phase && row.doing === doing) return;
    const body = { phase, doing, until };
    await appendAudit(tx, { chain: remediationId, key: `progress:${randomUUID()}`, kind: "progress", body });
  });
}

function sameMoment(a: string | null, b: string | null): boolean {
  return a === null || b === null ? a === b : Date.parse(a) === Date.parse(b);
}

type CloseRequest = Parameters<RecordStore["close"]>[0];

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

type Closed = Awaited<ReturnType<RecordStore["close"]>>;

/** Null: it holds something or waits, and the admission lock is not held. */
async function tryClose(tx: Transaction<Tables>, request: CloseRequest, locked: true): Promise<Closed>;
async function tryClose(tx: Transaction<Tables>, request: CloseRequest, locked: boolean): Promise<Closed | null>;
async function tryClose(tx: Transaction<Tables>, request: CloseRequest, locked: boolean): Promise<Closed | null> {
  const { remediationId, outcome, needsHuman, detail, faults } = request;
  const row = await lockRemediation(tx, remediationId);
  if (row.closed_at !== null) return { auditHead: row.closing_hash ?? GENESIS, gaveBack: true };
  const gaveBack = await holdsOrWaits(tx, remediationId);
  if (gaveBack && !locked) return null;
  await decideFaults(tx, remediationId, faults);
  await linkFaults(tx, remediationId, faults);
  const keepLeases = gaveBack && (await isUnsettled(tx, remediationId));
  const leftOut = await giveBack(tx, row, outcome, keepLeases);
  await pauseItself(tx, row, outcome);
  const body: JsonObject = { outcome, needsHuman, detail, faults: [...faults], keepLeases, leftOut };
  const auditHead = await appendAudit(tx, { chain: remediationId, key: "closed", kind: "closed", body });
  await tx
    .updateTable("remediations")
    .set({
      phase: "closed",
      doing: detail,
      phase_until: null,
      outcome,
      needs_human: needsHuman,
      detail,
      closed_at: now,
      closing_hash: auditHead,
    })
    .where("remediation_id", "=", remediationId)
    .execute();
  return { auditHead, gaveBack };
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

async function decideFaults(tx: Transaction<Tables>, remediationId: string, faults: FaultKey[]): Promise<void> {
  if (faults.length === 0) return;
  await sql`
    insert into decided_faults (fault_key, remediation_id, decided_at)
    select distinct f, ${remediationId}, selfheal_now() from unnest(${faults}::text[]) f order by f
    on conflict (fault_key) do update set remediation_id = excluded.remediation_id, decided_at = excluded.decided_at`.execute(
    tx,
  );
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
