/** Opening an episode (laws 5 and 8): one look, and one statement that does nothing when another is open. */
import { type RawBuilder, sql } from "kysely";
import type { FaultKey } from "../contracts/alert.ts";
import type { JsonObject } from "../contracts/json.ts";
import type { OpenEpisode, Opened } from "./api.ts";
import { GENESIS } from "./audit/chain.ts";
import { appendAudit, chained, type ChainedRow, insertEntries } from "./audit.ts";
import { now } from "./clock.ts";
import { RecordConflict } from "./errors.ts";
import { firesAgain } from "./ingest.ts";
import { type Database, inTransaction, pastCollisions, type Session } from "./pool.ts";
import { pauseScopesOfEpisode } from "./scopes.ts";

/** Another episode may close between the failed insert and the look for it; then the insert is tried again. */
const OPEN_ATTEMPTS = 5;

export async function open(db: Database, episode: OpenEpisode): Promise<Opened> {
  for (let attempt = 1; attempt <= OPEN_ATTEMPTS; attempt++) {
    const opened = await pastCollisions(() => tryOpen(db, episode));
    if (opened !== null) return opened;
  }
  throw new RecordConflict(
    `episodes of ${episode.target.kind}/${episode.target.id} open and close faster than one can look`,
  );
}

interface Seen {
  /** The remediation itself. */
  known: { closed: boolean; runId: string } | null;
  /** The closed episodes that decided its faults and may not be opened again yet, newest decision first. */
  decidedBy: string[];
  at: string;
}

async function tryOpen(db: Database, episode: OpenEpisode): Promise<Opened | null> {
  const { known, decidedBy, at } = await look(db, episode);
  if (known !== null) return openAgain(db, episode, known);
  const [newest] = decidedBy;
  if (newest !== undefined && decidedBy.length === new Set(episode.faults).size) {
    await appendRepeats(db, newest, episode.faults);
    return { kind: "decidedBefore", remediationId: newest };
  }
  if (await begin(db, episode, at)) return { kind: "opened" };
  const other = await openOf(db, episode);
  return other === null ? null : { kind: "otherOpen", remediationId: other };
}

async function look(db: Session, { remediationId, faults, reopenAfterMs = null }: OpenEpisode): Promise<Seen> {
  const found = await sql<Seen>`
    select (select json_build_object('closed', closed_at is not null, 'runId', run_id) from remediations
             where remediation_id = ${remediationId}) as known,
           (select coalesce(json_agg(remediation_id order by decided_at desc), '[]') from decided_faults d
             where fault_key = any(${faults}::text[]) and not ${firesAgain(sql`d`)}
               and (${reopenAfterMs}::float8 is null
                 or decided_at >= selfheal_now() - ${reopenAfterMs}::float8 * interval '1 millisecond')) as "decidedBy",
           selfheal_now() as at`.execute(db);
  return found.rows[0] as Seen;
}

/**
 * The activity was tried again after its reply was lost, or its workflow was reset to before it. What a reset run had
 * done already changed the world that would be confirmed: that is settled first, as of any run that is gone.
 */
async function openAgain(
  db: Session,
  { remediationId, runId }: OpenEpisode,
  known: NonNullable<Seen["known"]>,
): Promise<Opened> {
  if (known.closed) return { kind: "decidedBefore", remediationId };
  if (known.runId === runId) return { kind: "opened" };
  const effect = await db
    .selectFrom("effects")
    .select("key")
    .where("remediation_id", "=", remediationId)
    .executeTakeFirst();
  if (effect !== undefined) return { kind: "otherOpen", remediationId };
  await db.updateTable("remediations").set({ run_id: runId }).where("remediation_id", "=", remediationId).execute();
  return { kind: "opened" };
}

async function appendRepeats(db: Database, chain: string, faults: FaultKey[]): Promise<void> {
  const entry = { chain, key: `repeat:${[...faults].sort().join(",")}`, kind: "repeat", body: { faults: [...faults] } };
  await inTransaction(db, (tx) => appendAudit(tx, entry));
}

/** Row, chain, first entry and alerts in one statement, or nothing of it. */
async function begin(db: Session, episode: OpenEpisode, at: string): Promise<boolean> {
  const { remediationId, faults } = episode;
  const first = chained(remediationId, { seq: 0, hash: GENESIS, at }, [openedEntry(episode)]);
  const [head] = first as [ChainedRow];
  // Waits for a concurrent open of the same target, then sees it: the index is the lock.
  const made = await sql`
    with made as (${insertRow(episode)} on conflict do nothing returning remediation_id),
    chain as (insert into audit_chains (chain, seq, hash)
      select remediation_id, ${head.seq}::int, ${head.hash} from made returning chain),
    entry as (${insertEntries(first)} where exists (select 1 from chain)),
    linked as (${linkAlerts(remediationId, faults)} and exists (select 1 from made))
    select 1 from made`.execute(db);
  return made.rows.length === 1;
}

function insertRow({ remediationId, workflowId, runId, target, ...rest }: OpenEpisode): RawBuilder<unknown> {
  const { runbook, group, owner, severity } = rest;
  const scopes = pauseScopesOfEpisode({ target, group, runbook });
  return sql`
    insert into remediations (remediation_id, workflow_id, run_id, target_kind, target_id, runbook, group_name, owner,
                              severity, phase, doing, pause_scopes, opened_at)
    values (${remediationId}, ${workflowId}, ${runId}, ${target.kind}, ${target.id}, ${runbook}, ${group}, ${owner},
            ${severity}, 'open', 'opened', ${scopes}, ${now})`;
}

function openedEntry({ remediationId: _, ...episode }: OpenEpisode): { key: string; kind: string; body: JsonObject } {
  const body = { ...episode, target: { ...episode.target }, faults: [...episode.faults] };
  return { key: "opened", kind: "opened", body: body };
}

async function openOf(db: Session, episode: OpenEpisode): Promise<string | null> {
  const found = await db
    .selectFrom("remediations")
    .select("remediation_id")
    .where("target_kind", "=", episode.target.kind)
    .where("target_id", "=", episode.target.id)
    .where("closed_at", "is", null)
    .executeTakeFirst();
  return found?.remediation_id ?? null;
}

/** Its alerts, the ends of them too; locked in one order. */
export function linkAlerts(remediationId: string, faults: readonly FaultKey[]): RawBuilder<unknown> {
  return sql`
    update alerts set remediation_id = ${remediationId}
     where (fault_key, status) in (
       select fault_key, status from alerts
        where fault_key = any(${faults}::text[]) and remediation_id is distinct from ${remediationId}
        order by 1, 2 for update)`;
}
