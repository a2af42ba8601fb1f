/**
 * An automation that failed after it had done something is paused for its group, until a person resumes it (P11). One that a
 * pause or a storm breaker stopped has not failed: its scope would stay paused when that is over.
 */
import { randomUUID } from "node:crypto";
import { sql, type Transaction } from "kysely";
import type { Outcome } from "../contracts/remediation.ts";
import { appendControl } from "./audit.ts";
import { now } from "./clock.ts";
import { fencedByPause } from "./fenced.ts";
import type { StoredRemediation } from "./remediation-row.ts";
import type { Tables } from "./tables.ts";

const FAILURES: readonly Outcome[] = ["failed", "escalated"];

/** In the closing transaction, so that it is there before the next one is admitted. */
export async function pauseItself(tx: Transaction<Tables>, row: StoredRemediation, outcome: Outcome): Promise<void> {
  if (!FAILURES.includes(outcome)) return;
  const found = await sql<{ scope: string | null }>`
    select p.plan #>> '{limits,shared,pauseOnFailure}' as scope
      from plans p join admissions a using (remediation_id)
     where p.remediation_id = ${row.remediation_id} and p.plan_hash = a.plan_hash and a.first_effect_at is not null
       and not ${fencedByPause(sql`p.remediation_id`)}
    `.execute(tx);
  const scope = found.rows[0]?.scope ?? null;
  if (scope === null) return;
  const known = await sql`
    select 1 from pauses where scope = ${scope} and by_person = 'selfheal' and resumed_at is null`.execute(tx);
  if (known.rows.length > 0) return;
  const id = randomUUID();
  const reason = `remediation ${row.remediation_id} of ${row.target_kind}/${row.target_id} ${outcome}`;
  const pause = { id, scope, reason, by_person: "selfheal", at: now, until_at: null };
  await tx.insertInto("pauses").values(pause).execute();
  const body = { id, scope, reason, by: "selfheal", until: null };
  await appendControl(tx, { key: `pause:${id}`, kind: "paused", body });
}
