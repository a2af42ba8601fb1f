/** What was decided: verdicts, and the plan in force. */
import { type RawBuilder, sql, type Transaction } from "kysely";
import type { JsonObject } from "../contracts/json.ts";
import type { Plan } from "../contracts/plan.ts";
import type { DecisionMade } from "./api-episodes.ts";
import { voidOtherApprovals } from "./approvals.ts";
import { appendAudit } from "./audit.ts";
import { canonicalJson, sha256 } from "./canonical.ts";
import { now } from "./clock.ts";
import { type Database, inTransaction, type Session } from "./pool.ts";
import { lockRemediation } from "./remediation-row.ts";
import { pauseScopesOf } from "../contracts/scopes.ts";
import type { Tables } from "./tables.ts";

type Made = DecisionMade & { remediationId: string };

/** A verdict without a plan takes the earlier plan out of force: nobody can approve or admit it any more. */
export async function saveDecision(db: Database, made: Made): Promise<void> {
  await inTransaction(db, (tx) => judge(tx, made));
}

export async function judge(tx: Transaction<Tables>, made: Made): Promise<void> {
  const row = await lockRemediation(tx, made.remediationId);
  if (!(await insertVerdict(tx, made))) return;
  if (row.closed_at === null) await putInForce(tx, made);
  await appendAudit(tx, { chain: made.remediationId, ...verdictEntry(made) });
}

export function verdictEntry(made: DecisionMade): { key: string; kind: string; body: JsonObject } {
  const { verdict, planHash, catalogueVersion } = made;
  const digest = digestOf(made);
  const body = {
    outcome: verdict.outcome,
    results: verdict.results,
    at: verdict.at,
    planHash,
    catalogueVersion,
    digest,
  };
  return { key: `verdict:${digest}`, kind: "verdict", body: body as unknown as JsonObject };
}

export function digestOf({ verdict, planHash, catalogueVersion }: Omit<DecisionMade, "plan">): string {
  return sha256(canonicalJson({ verdict, planHash, catalogueVersion } as unknown as JsonObject));
}

async function insertVerdict(tx: Transaction<Tables>, made: Made): Promise<boolean> {
  const inserted = await sql`
    ${insertVerdictRow(made)} on conflict (remediation_id, digest) do nothing returning seq`.execute(tx);
  return inserted.rows.length === 1;
}

export function insertVerdictRow(made: Made): RawBuilder<unknown> {
  return sql`
    insert into verdicts (remediation_id, seq, digest, verdict, plan_hash, catalogue_version, at)
    select ${made.remediationId}, count(*) + 1, ${digestOf(made)}, ${JSON.stringify(made.verdict)}, ${made.planHash},
           ${made.catalogueVersion}, selfheal_now()
      from verdicts where remediation_id = ${made.remediationId}`;
}

async function putInForce(tx: Transaction<Tables>, made: Made): Promise<void> {
  const { remediationId, plan, planHash } = made;
  if (plan !== null && planHash !== null) await insertPlan(remediationId, plan, planHash).execute(tx);
  await tx.updateTable("remediations").set(inForce(made)).where("remediation_id", "=", remediationId).execute();
  await voidOtherApprovals(tx, remediationId, plan === null ? null : planHash);
}

/** One that was in force before stays as it was saved then. */
export function insertPlan(remediationId: string, plan: Plan, planHash: string): RawBuilder<unknown> {
  return sql`
    insert into plans (remediation_id, plan_hash, plan, saved_at)
    values (${remediationId}, ${planHash}, ${JSON.stringify(plan)}, ${now}) on conflict do nothing`;
}

/** What the remediation's row says of it. */
export function inForce({ plan, planHash, catalogueVersion }: DecisionMade) {
  const ofPlan =
    plan === null
      ? {}
      : {
          runbook: plan.runbook,
          group_name: plan.target.group,
          owner: plan.owner,
          severity: plan.severity,
          pause_scopes: pauseScopesOf(plan),
        };
  return { plan_hash: plan === null ? null : planHash, catalogue_version: catalogueVersion, ...ofPlan };
}

/** The plan in force, as it was saved. */
export async function planOf(
  db: Session,
  remediationId: string,
): Promise<{ plan: Plan; planHash: string; catalogueVersion: string } | null> {
  const row = await db
    .selectFrom("remediations as r")
    .innerJoin("plans as p", (join) =>
      join.onRef("p.remediation_id", "=", "r.remediation_id").onRef("p.plan_hash", "=", "r.plan_hash"),
    )
    .select(["p.plan", "p.plan_hash as planHash", "r.catalogue_version as catalogueVersion"])
    .where("r.remediation_id", "=", remediationId)
    .executeTakeFirst();
  return row === undefined ? null : { ...row, catalogueVersion: row.catalogueVersion ?? "" };
}
