/** A small record with an entry of every kind that is verified, and ways to harm it. */
import type { AuditRow, RecordStore } from "../../src/record/api.ts";
import { GENESIS, hashOf } from "../../src/record/audit/chain.ts";
import type { TestDatabase } from "../support/database.ts";
import { admitting, anIntent, aPlan, closing, hashOfPlan, host, planned, result } from "./builders.ts";

export interface Written {
  /** Healed, with decisions, an effect, an escalation and a review. */
  healed: string;
  /** Closed without anything. */
  observed: string;
  open: string;
  /** What `close` answered for `healed`. */
  head: string;
}

export async function writeRecord(record: RecordStore): Promise<Written> {
  await writeControls(record);
  const plan = aPlan({ target: "healed" });
  const healed = await planned(record, plan);
  const given = { remediationId: healed, planHash: hashOfPlan(plan), via: "cli", ignoredBecause: null, token: null };
  const rest = { unsigned: true, roles: ["dc-ops"], quorum: 2, expiresAt: "2100-01-01T00:00:00.000Z" };
  await record.decide({ ...given, ...rest, decision: "approve", by: "ann", reason: "looks right" });
  await record.decide({
    ...given,
    ...rest,
    decision: "approve",
    by: "eve",
    reason: "me too",
    ignoredBecause: "nobody knows eve",
  });
  await record.decide({ ...given, ...rest, decision: "approve", by: "bob", reason: "go" });
  await admitting(record, healed, plan);
  const intent = anIntent(healed);
  await record.beginEffect(intent);
  await record.settleEffect(intent.key, "pending", null, "12 sessions", { actedAt: await record.now() });
  await record.settleEffect(intent.key, "pending", null, "3 sessions");
  await record.settleEffect(intent.key, "unknown", null, "no answer");
  await record.settleEffect(intent.key, "happened", { sessions: 0 }, "drained");
  await record.escalation({ remediationId: healed, key: "end", route: "message", summary: "healed" });
  await record.escalationSent(healed, "end", "timed out");
  await record.escalationSent(healed, "end", null);
  const { auditHead: head } = await record.close(closing(healed));
  await record.savePostmortem({ remediationId: healed, owner: "sre", markdown: "# What happened" });
  await record.review({ remediationId: healed, verdict: "good", by: "ann", reason: "it was broken" });
  const observed = await planned(record, aPlan({ target: "observed" }));
  await record.close(closing(observed, { outcome: "observed", detail: "nothing was done" }));
  const open = await planned(record, aPlan({ target: "open" }));
  return { healed, observed, open, head };
}

async function writeControls(record: RecordStore): Promise<void> {
  const token = { subject: "ann", roles: ["viewer" as const], groups: null, ttlMs: 3_600_000, by: "ann" };
  await record.createApiToken({ ...token, name: "kept" });
  await record.createApiToken({ ...token, name: "revoked" });
  await record.revokeApiToken("revoked", "bob");
  const until = new Date(Date.parse(await record.now()) + 3_600_000).toISOString();
  const pause = await record.pause({ scope: "rack:r1", reason: "power work", by: "ann", until: null });
  await record.resume(pause.id, "bob");
  await record.pause({ scope: "rack:r2", reason: "incident", by: "ann", until });
  await record.setMode({
    scope: "global",
    mode: "review",
    declared: "auto",
    runbookHash: null,
    by: "ann",
    reason: "new",
    about: {},
  });
  await record.setMode({
    scope: "global",
    mode: null,
    declared: "auto",
    runbookHash: null,
    by: "ann",
    reason: "old",
    about: {},
  });
  const window = await record.openWindow({
    kind: "maintenance",
    scope: "rack:r1",
    needs: [],
    reason: "r",
    by: "ann",
    from: null,
    until,
  });
  await record.closeWindows([window.id], "bob");
  await record.openWindow({
    kind: "deploy",
    scope: "service:shop",
    needs: [],
    reason: "v2",
    by: "ci",
    from: null,
    until,
  });
  const standing = { runbook: "disk", runbookHash: "rb-1", group: "web", by: "ann", expiresAt: until, maxCount: 3 };
  const { id } = await record.giveStanding({ ...standing, reason: "standard change" });
  await record.withdrawStanding(id, "bob");
  await record.giveStanding({ ...standing, reason: "again" });
  const tripper = await planned(record, aPlan({ target: "tripper" }));
  await record.trip(tripper, [result("review", "OK", { trips: [{ kind: "storm", scope: "group:web" }] })]);
  await record.resetBreakers({ scope: "group:web", by: "ann", reason: "a bad rule", how: "reEvaluate" });
  await record.close(closing(tripper));
  await record.attest({
    runbook: "disk",
    runbookHash: "rb-1",
    kind: "backtest",
    passed: true,
    summary: "ok",
    by: "ci",
  });
  await record.hold({ target: host("web-9"), holder: "puppet", reason: "run", until });
  await record.saveReport({ period: "month 2026-10", report: {}, markdown: "# October", csv: "Report\r\n" });
  for (const version of ["v1", "v2"]) {
    await record.saveCatalogue(version, { version });
    await record.activateCatalogue(version);
  }
}

/** Past the trigger that stops accidents, as somebody with the database's password would. */
export function harm(db: Pick<TestDatabase, "sql">, statements: string): Promise<unknown> {
  return db.sql(`set session_replication_role = replica; ${statements}`);
}

/** A chain written anew, hashes, heads and all: only a head that was kept elsewhere shows it. */
export async function writeAnew(db: TestDatabase, chain: string, change: (entry: AuditRow) => AuditRow): Promise<void> {
  let previousHash = GENESIS;
  const statements: string[] = [];
  for (const entry of await db.record.audit(chain)) {
    const made = { ...change(entry), previousHash };
    previousHash = hashOf(made);
    const body = JSON.stringify(made.body).replaceAll("'", "''");
    statements.push(
      `update audit set body = '${body}', previous_hash = '${made.previousHash}', hash = '${previousHash}'
        where chain = '${chain}' and seq = ${entry.seq};`,
    );
    if (entry.kind === "closed") {
      statements.push(`update remediations set closing_hash = '${previousHash}' where remediation_id = '${chain}';`);
    }
  }
  statements.push(`update audit_chains set hash = '${previousHash}' where chain = '${chain}';`);
  await harm(db, statements.join("\n"));
}

/** As if it had never been. */
export async function eraseRemediation(db: TestDatabase, id: string): Promise<void> {
  const tables = [
    "verdicts",
    "decisions",
    "plans",
    "effects",
    "escalations",
    "admissions",
    "reviews",
    "postmortems",
    "leases",
    "remediations",
  ];
  const gone = tables.map((table) => `delete from ${table} where remediation_id = '${id}';`).join("\n");
  await harm(db, `${gone} delete from audit where chain = '${id}'; delete from audit_chains where chain = '${id}';`);
}
