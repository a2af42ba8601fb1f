/** What readers ask: lists, one remediation by what a person types, its whole story, a target's history. */
import { sql } from "kysely";
import type { TargetRef } from "../contracts/target.ts";
import type { ListFilter, RemediationRow, RemediationStory } from "./api.ts";
import type { VerdictRow } from "./api-http.ts";
import { auditRows } from "./audit.ts";
import { effectsOf } from "./effects.ts";
import { escalationsOf } from "./escalations.ts";
import { listAlerts } from "./ingest.ts";
import type { Session } from "./pool.ts";
import { remediationRows, type StoredRemediation, toRemediationRow } from "./remediation-row.ts";
import { waitsOf } from "./waits.ts";

const DEFAULT_LIMIT = 50;
/** One more than a page may have: whether there is a next one shows by that. */
const MAX_LIMIT = 1_001;
const RECENT = 20;
const STORY_ALERTS = 1_000;
/** A shorter beginning of an id is more likely a target's name. */
const MIN_PREFIX = 4;

export async function list(db: Session, filter: ListFilter): Promise<RemediationRow[]> {
  const limit = Math.min(Math.max(filter.limit ?? DEFAULT_LIMIT, 1), MAX_LIMIT);
  const { groups } = filter;
  if (!groups) return (await newest(filtered(remediationRows(db), filter), limit).execute()).map(toRemediationRow);
  // Of each group its newest, by an index: of what others have, nothing is read.
  const ofOne = filtered(remediationRows(db), filter).where(sql<boolean>`group_name = one.name`);
  const { rows } = await sql<StoredRemediation>`
    select found.* from unnest(${[...new Set(groups)]}::text[]) as one (name)
      cross join lateral (${newest(ofOne, limit)}) found
     order by found.opened_at desc, found.remediation_id desc limit ${limit}`.execute(db);
  return rows.map(toRemediationRow);
}

type Rows = ReturnType<typeof remediationRows>;

function newest(query: Rows, limit: number): Rows {
  return query.orderBy("opened_at", "desc").orderBy("remediation_id", "desc").limit(limit);
}

function filtered(query: Rows, filter: ListFilter): Rows {
  const { target, runbook, group, phase, outcome, since, after } = filter;
  // Only what is open has another phase than `closed`, and there is an index of that.
  const open = filter.open ?? (phase === undefined || phase === "closed" ? undefined : true);
  if (open !== undefined) query = query.where("closed_at", open ? "is" : "is not", null);
  if (target !== undefined) {
    const { kind, id } = parseTarget(target);
    query = query.where("target_id", "=", id);
    if (kind !== null) query = query.where("target_kind", "=", kind);
  }
  if (runbook !== undefined) query = query.where("runbook", "=", runbook);
  if (group !== undefined) query = query.where("group_name", "=", group);
  if (phase !== undefined) query = query.where("phase", "=", phase);
  if (outcome !== undefined) query = query.where("outcome", "=", outcome);
  if (since !== undefined) query = query.where("opened_at", ">=", since);
  if (after === undefined) return query;
  return query.where(
    sql<boolean>`(opened_at, remediation_id) < (${after.openedAt}::timestamptz, ${after.remediationId})`,
  );
}

/** `host/web-1` or `web-1`. */
function parseTarget(text: string): { kind: string | null; id: string } {
  const slash = text.indexOf("/");
  return slash < 0 ? { kind: null, id: text } : { kind: text.slice(0, slash), id: text.slice(slash + 1) };
}

export async function find(db: Session, text: string): Promise<RemediationRow | null> {
  if (text.length >= MIN_PREFIX) {
    const byId = await remediationRows(db)
      .where("remediation_id", ">=", text)
      // The C collation sorts by bytes, and no text has a character after U+10FFFF.
      .where("remediation_id", "<", `${text}\u{10FFFF}`)
      .orderBy("remediation_id")
      .limit(2)
      .execute();
    const [first, second] = byId;
    if (first !== undefined && (second === undefined || first.remediation_id === text)) return toRemediationRow(first);
  }
  // An id may itself hold a slash.
  const newest = (await list(db, { target: text, limit: 1 }))[0] ?? null;
  if (newest !== null || !text.includes("/")) return newest;
  const row = await remediationRows(db).where("target_id", "=", text).orderBy("opened_at", "desc").executeTakeFirst();
  return row === undefined ? null : toRemediationRow(row);
}

export async function story(db: Session, remediationId: string): Promise<RemediationStory | null> {
  const row = await remediationRows(db).where("remediation_id", "=", remediationId).executeTakeFirst();
  if (row === undefined) return null;
  const plans = await db
    .selectFrom("plans")
    .select(["plan", "plan_hash"])
    .where("remediation_id", "=", remediationId)
    .orderBy("saved_at", "desc")
    .execute();
  const inForce = plans.find((one) => one.plan_hash === row.plan_hash) ?? plans[0];
  return {
    remediation: toRemediationRow(row),
    plan: inForce?.plan ?? null,
    alerts: await listAlerts(db, { remediationId, limit: STORY_ALERTS }),
    verdicts: await verdictsOf(db, remediationId),
    decisions: await decisionsOf(db, remediationId),
    effects: await effectsOf(db, remediationId),
    waits: await waitsOf(db, remediationId),
    escalations: await escalationsOf(db, remediationId),
    audit: await auditRows(db, remediationId),
  };
}

export async function verdictsOf(db: Session, remediationId: string): Promise<VerdictRow[]> {
  return db
    .selectFrom("verdicts")
    .select(["seq", "verdict", "plan_hash as planHash"])
    .where("remediation_id", "=", remediationId)
    .orderBy("seq")
    .execute();
}

async function decisionsOf(db: Session, remediationId: string): Promise<RemediationStory["decisions"]> {
  return db
    .selectFrom("decisions")
    .select([
      "decision",
      "person as by",
      "via",
      "at",
      "plan_hash as planHash",
      "status",
      sql<string>`case when detail = '' then reason else detail end`.as("reason"),
    ])
    .where("remediation_id", "=", remediationId)
    .orderBy("at")
    .execute();
}

export async function targetHistory(
  db: Session,
  ref: TargetRef,
): Promise<{ open: RemediationRow | null; recent: RemediationRow[] }> {
  const rows = await remediationRows(db)
    .where("target_id", "=", ref.id)
    .where("target_kind", "=", ref.kind)
    .orderBy("opened_at", "desc")
    .limit(RECENT)
    .execute();
  const recent = rows.map(toRemediationRow);
  return { open: recent.find((row) => row.closedAt === null) ?? null, recent };
}
