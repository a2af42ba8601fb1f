/** Everything that the record says, read in one transaction: for a reconciliation with Temporal and the world. Reads only. */
import type { FaultKey } from "../contracts/alert.ts";
import type { ScopeCap } from "../contracts/plan.ts";
import type { TargetRef } from "../contracts/target.ts";
import type { EffectRow } from "./api-effects.ts";
import type { AuditRow, Disposition, EscalationRow, LeaseState, RemediationRow } from "./api.ts";
import { verifyChain } from "./audit.ts";
import { noRows, rowFaults } from "./audit/rows.ts";
import { rowsOf } from "./audit/verify.ts";
import { effectRows, toEffectRow } from "./effects.ts";
import { type Database, openDatabase, type Session } from "./pool.ts";
import { remediationRows, toRemediationRow } from "./remediation-row.ts";

export interface SnapshotAlert {
  faultKey: FaultKey;
  status: "firing" | "resolved";
  target: TargetRef | null;
  disposition: Disposition;
  /** How often the fact came: 1 and its repeats. */
  times: number;
  /** The episode that it was given to, or that had decided it before; null: none yet. */
  remediationId: string | null;
}

export interface SnapshotRemediation extends RemediationRow {
  /** The faults that it was opened for. */
  openedFor: FaultKey[];
  /** Of its plan; empty before it has one. */
  caps: ScopeCap[];
  /** What is wrong with its audit chain, or with the rows beside it; null: nothing. */
  brokenChain: string | null;
}

export interface RecordSnapshot {
  alerts: SnapshotAlert[];
  remediations: SnapshotRemediation[];
  effects: EffectRow[];
  leases: { remediationId: string; scope: string; state: LeaseState }[];
  /** Who was let in, and until when its leases counted as work; `releasedAt` null: they still do. */
  admissions: { remediationId: string; scopes: string[]; admittedAt: string; releasedAt: string | null }[];
  /** Remediations that stand in the queue. */
  queue: string[];
  /** Waits that are not over. */
  waits: { key: string; remediationId: string }[];
  escalations: EscalationRow[];
}

export interface SnapshotReader {
  /** Loads the whole record into memory: for demos and tests, not for years of history. */
  read(): Promise<RecordSnapshot>;
  /** When the newest entry of any story was written, in ms; null: there is none. The cheapest sign that work goes on. */
  lastEntryAt(): Promise<number | null>;
  end(): Promise<void>;
}

/** Every method throws RecordUnavailable while the database is away, and works again when it is back. */
export function openSnapshots(databaseUrl: string): SnapshotReader {
  const db = openDatabase(databaseUrl, { poolSize: 2, applicationName: "selfheal reconcile" });
  return {
    read: () => read(db),
    lastEntryAt: async () => {
      const { at } = await db
        .selectFrom("audit")
        .select((eb) => eb.fn.max("at").as("at"))
        .executeTakeFirstOrThrow();
      return at === null ? null : Date.parse(at);
    },
    end: () => db.destroy(),
  };
}

function read(db: Database): Promise<RecordSnapshot> {
  const inOneView = db.transaction().setIsolationLevel("repeatable read").setAccessMode("read only");
  return inOneView.execute(async (tx) => ({
    alerts: await alerts(tx),
    remediations: await remediations(tx),
    effects: (await effectRows(tx).orderBy("intent_at").orderBy("key").execute()).map(toEffectRow),
    leases: await tx.selectFrom("leases").select(["remediation_id as remediationId", "scope", "state"]).execute(),
    admissions: await tx
      .selectFrom("admissions")
      .select(["remediation_id as remediationId", "scopes", "admitted_at as admittedAt", "released_at as releasedAt"])
      .execute(),
    queue: (await tx.selectFrom("queue").select("remediation_id").execute()).map((row) => row.remediation_id),
    waits: await tx
      .selectFrom("waits")
      .select(["key", "remediation_id as remediationId"])
      .where("done_at", "is", null)
      .execute(),
    escalations: await tx
      .selectFrom("escalations")
      .select(["remediation_id as remediationId", "route", "summary", "at", "sent_at as sentAt", "error"])
      .select("not_before as keptUntil")
      .execute(),
  }));
}

async function alerts(tx: Session): Promise<SnapshotAlert[]> {
  const rows = await tx
    .selectFrom("alerts as a")
    .leftJoin("decided_faults as d", "d.fault_key", "a.fault_key")
    .select(["a.fault_key", "a.status", "a.target_kind", "a.target_id", "a.disposition", "a.repeats"])
    .select((eb) => eb.fn.coalesce("a.remediation_id", "d.remediation_id").as("remediation_id"))
    .orderBy("a.received_at")
    .execute();
  return rows.map((row) => ({
    faultKey: row.fault_key as FaultKey,
    status: row.status,
    target: row.target_kind === null || row.target_id === null ? null : { kind: row.target_kind, id: row.target_id },
    disposition: row.disposition,
    times: row.repeats + 1,
    remediationId: row.remediation_id,
  }));
}

async function remediations(tx: Session): Promise<SnapshotRemediation[]> {
  const rows = await remediationRows(tx).orderBy("opened_at").execute();
  const plans = await tx.selectFrom("plans").select(["remediation_id", "plan"]).orderBy("saved_at").execute();
  // The last plan is the one that was admitted.
  const caps = new Map(plans.map(({ remediation_id, plan }) => [remediation_id, plan.limits.caps]));
  const chains = await auditChains(tx);
  const beside = await rowsOf(
    tx,
    rows.map((row) => row.remediation_id),
  );
  return rows.map((row) => {
    const chain = chains.get(row.remediation_id) ?? [];
    const check = verifyChain(chain, row.closing_hash ?? undefined);
    const [odd] = rowFaults(beside.get(row.remediation_id) ?? noRows(), chain);
    const openedFor = chain.find((entry) => entry.kind === "opened")?.body["faults"];
    return {
      ...toRemediationRow(row),
      openedFor: (Array.isArray(openedFor) ? openedFor : []) as FaultKey[],
      caps: caps.get(row.remediation_id) ?? [],
      brokenChain: check.ok ? (odd?.detail ?? null) : check.detail,
    };
  });
}

async function auditChains(tx: Session): Promise<Map<string, AuditRow[]>> {
  const rows: AuditRow[] = await tx
    .selectFrom("audit")
    .select(["chain as remediationId", "seq", "at", "kind", "body", "previous_hash as previousHash", "hash"])
    .orderBy("chain")
    .orderBy("seq")
    .execute();
  return Map.groupBy(rows, (row) => row.remediationId);
}
