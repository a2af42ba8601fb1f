/** What was decided: verdicts, and the plan in force. */
import { sql, type Transaction } from "kysely";
import type { JsonObject } from "../contracts/json.ts";
import type { Plan } from "../contracts/plan.ts";
import type { Verdict } from "../contracts/verdict.ts";
import { appendAudit } from "./audit.ts";
import { canonicalJson, sha256 } from "./canonical.ts";
import { now } from "./clock.ts";
import { type Database, inTransaction, type Session } from "./pool.ts";
import { lockRemediation } from "./remediation-row.ts";
import { pauseScopesOf } from "../contracts/scopes.ts";
import type { Tables } from "./tables.ts";

export interface DecisionMade {
  remediationId: string;
  verdict: Verdict;
  plan: Plan | null;
  planHash: string | null;
  catalogueVersion: string;
}

/** A verdict without a plan takes the earlier plan out of force: nobody can approve or admit it any more. */
export async function saveDecision(db: Database, made: DecisionMade): Promise<void> {
  await inTransaction(db, async (tx) => {
    const row = await lockRemediation(tx, made.remediationId);
    if (!(await insertVerdict(tx, made))) return;
    if (row.closed_at === null) await putInForce(tx, made);
    const { remediationId, verdict, planHash, catalogueVersion } = made;
    const body = { outcome: verdict.outcome, results: verdict.results, at: verdict.at, planHash, catalogueVersion };
    const key = `verdict:${digestOf(made)}`;
    await appendAudit(tx, { chain: remediationId, key, kind: "verdict", body: body as unknown as JsonObject });
  });
}

function digestOf({ verdict, planHash, catalogueVersion }: DecisionMade): string {
  return sha256(canonicalJson({ verdict, planHash, catalogueVersion } as unknown as JsonObject));
}

async function insertVerdict(tx: Transaction<Tables>, made: DecisionMade): Promise<boolean> {
  const inserted = await sql`
    insert into verdicts (remediation_id, seq, digest, verdict, plan_hash, catalogue_version, at)
    select ${made.remediationId}, count(*) + 1, ${digestOf(made)}, ${JSON.stringify(made.verdict)}, ${made.planHash},
           ${made.catalogueVersion}, selfheal_now()
      from verdicts where remediation_id = ${made.remediationId}
    on conflict (remediation_id, digest) do nothing returning seq`.execute(tx);
  return inserted.rows.length === 1;
}

async function putInForce(tx: Transaction<Tables>, made: DecisionMade): Promise<void> {
  const { remediationId, plan, planHash } = made;
  if (plan !== null && planHash !== null) {
    await tx
      .insertInto("plans")
      .values({ remediation_id: remediationId, plan_hash: planHash, plan: JSON.stringify(plan), saved_at: now })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
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
  await tx
    .updateTable("remediations")
    .set({ plan_hash: plan === null ? null : planHash, catalogue_version: made.catalogueVersion, ...ofPlan })
    .where("remediation_id", "=", remediationId)
    .execute();
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
