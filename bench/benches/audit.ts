/** What the audit costs: entries a second, how late they are, how fast a record is verified, how much it takes on disk. */
import { join } from "node:path";
import pg from "pg";
import { withCleanup } from "../../src/cli/process/cleanup.ts";
import { compareManifests } from "../../src/record/audit/compare-manifest.ts";
import { exportAudit } from "../../src/record/audit/export.ts";
import { manifestFile } from "../../src/record/audit/manifest-file.ts";
import { openAuditReader, type AuditReader } from "../../src/record/audit/verify.ts";
import type { RecordStore } from "../../src/record/api.ts";
import { admitting, anIntent, aPlan, closing, planned } from "../../test/record/builders.ts";
import type { Bench } from "../support/bench.ts";
import { startRecord } from "../support/database.ts";
import { mapLimit } from "../support/load.ts";
import { AT_ONCE, bareTransactions, rate } from "../support/rates.ts";
import { round } from "../support/stats.ts";

const FULL_COUNT = 3_000;
const SMOKE_COUNT = 20;
/** Of one remediation, beside those that its stages write. */
const EFFECTS = 4;

export const audit: Bench = {
  name: "audit",
  about: "audit entries a second and their lag, verification and export a second, bytes for each remediation",
  run: ({ smoke, say }) =>
    withCleanup(async (defer) => {
      const { folder, database, store } = await startRecord(defer, AT_ONCE);
      const count = smoke ? SMOKE_COUNT : FULL_COUNT;
      say(`${count} remediations`);
      const bare = await bareTransactions(database.url, count);
      const before = await bytesOf(database.url);
      const ids = await mapLimit([...new Array(count).keys()], AT_ONCE, (index) => remediate(store, index));
      const bytes = ((await bytesOf(database.url)) - before) / count;
      const lag = await store.auditLag(24 * 3_600_000);
      const own = await rate(ids, (id) => store.append(id, "bench", "note", { text: "a line of a story" }));
      const shared = await rate(ids, (id) =>
        store.append("control", `bench:${id}`, "note", { text: "one chain for all" }),
      );
      const reader = await openAuditReader(database.url);
      defer(() => reader.end());
      say("verifying");
      const speed = await verifySpeed(reader);
      const bareRead = await readSpeed(database.url);
      const exported = await exportSpeed(reader);
      const manifest = await manifestSpeed(store, reader, join(folder, "manifest.jsonl"));
      return {
        figures: [
          { name: "entries, each its own chain", unit: "/s", ours: round(own), bare: round(bare) },
          { name: "entries, all of one chain", unit: "/s", ours: round(shared), bare: round(bare) },
          { name: "lag p50", unit: "ms", ours: round((lag.p50 ?? 0) * 1000), bare: null },
          { name: "lag p99", unit: "ms", ours: round((lag.p99 ?? 0) * 1000), bare: null },
          { name: "verify", unit: "entries/s", ours: round(speed), bare: round(bareRead) },
          { name: "export", unit: "entries/s", ours: round(exported), bare: round(bareRead) },
          { name: "manifest, written", unit: "heads/s", ours: round(manifest.written), bare: null },
          { name: "manifest, compared", unit: "heads/s", ours: round(manifest.compared), bare: null },
          { name: "on disk, with indexes", unit: "bytes/remediation", ours: round(bytes), bare: null },
        ],
        breakdowns: [],
        facts: await database.facts(),
        notes: [
          `${AT_ONCE} at once, from the bench's process; each entry is durable when it is counted`,
          "bare of an entry: an insert of one row, committed; of verify and export: the same rows read by a cursor",
          "lag: from the end of the call that acted to its entry, by the record's clock; the call itself is nothing here",
          `a remediation: opened, decided, admitted, ${EFFECTS} effects, closed; verify reads the rows beside the chain too`,
        ],
      };
    }),
};

async function remediate(store: RecordStore, index: number): Promise<string> {
  const plan = aPlan({ target: `bench-${index}` });
  const id = await planned(store, plan);
  await admitting(store, id, plan);
  for (let step = 0; step < EFFECTS; step++) {
    const intent = anIntent(id, { step: `step${step}` });
    await store.beginEffect(intent);
    await store.settleEffect(intent.key, "happened", { sessions: 0 }, "drained", { actedAt: await store.now() });
  }
  await store.close(closing(id));
  return id;
}

async function bytesOf(url: string): Promise<number> {
  return withClient(url, async (client) => {
    await client.query("checkpoint");
    const { rows } = await client.query<{ bytes: string }>(
      "select pg_database_size(current_database())::text as bytes",
    );
    return Number(rows[0]?.bytes ?? 0);
  });
}

async function verifySpeed(reader: AuditReader): Promise<number> {
  const startedAt = performance.now();
  let entries = 0;
  for await (const report of reader.verify({})) {
    if (report.state !== "whole") throw new Error(`${report.chain} is ${report.state}: ${report.faults[0]?.detail}`);
    entries += report.entries;
  }
  return (entries * 1000) / (performance.now() - startedAt);
}

/** The same rows in the same order, and nothing done with them. */
async function readSpeed(url: string): Promise<number> {
  return withClient(url, async (client) => {
    const startedAt = performance.now();
    let entries = 0;
    await client.query("begin; declare all_entries cursor for select * from audit order by chain, seq");
    for (;;) {
      const { rowCount } = await client.query("fetch 1000 from all_entries");
      if (!rowCount) break;
      entries += rowCount;
    }
    return (entries * 1000) / (performance.now() - startedAt);
  });
}

async function exportSpeed(reader: AuditReader): Promise<number> {
  const startedAt = performance.now();
  let lines = 0;
  for await (const text of exportAudit(reader.db, { from: null, to: null })) lines += text.split("\n").length - 1;
  return (lines * 1000) / (performance.now() - startedAt);
}

async function manifestSpeed(
  store: RecordStore,
  reader: AuditReader,
  file: string,
): Promise<{ written: number; compared: number }> {
  const startedAt = performance.now();
  const { chains } = await store.manifest(() => manifestFile(file), { full: true });
  const writtenAt = performance.now();
  for await (const { faults } of compareManifests(reader.db, [file])) {
    if (faults[0] !== undefined) throw new Error(faults[0].detail);
  }
  const perSecond = (ms: number): number => (chains * 1000) / ms;
  return { written: perSecond(writtenAt - startedAt), compared: perSecond(performance.now() - writtenAt) };
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
