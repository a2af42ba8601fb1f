/**
 * Manifests: the heads of all chains that moved since the one before, in a file that lies elsewhere. What is in a manifest
 * cannot go away unseen, also when Temporal has forgotten it. Each names the hash of the one before, and the chain
 * `control` names each.
 *
 * JSON lines: `{"manifest":1,"number":7,"at":…,"previous":…}`, a line `{"chain":…,"seq":…,"hash":…}` for each, and
 * `{"chains":N}` as the end. Its hash is SHA-256 of the whole file.
 */
import { createHash } from "node:crypto";
import { sql, type Transaction } from "kysely";
import type { ManifestMade, ManifestSink } from "../api-audit.ts";
import { appendControl } from "../audit.ts";
import { readNow } from "../clock.ts";
import { type Database, inTransaction } from "../pool.ts";
import type { Tables } from "../tables.ts";

export interface ManifestHeader {
  manifest: 1;
  /** From 1 on, without a gap. */
  number: number;
  /** ISO. */
  at: string;
  /** Hash of the one before; empty: it is the first. */
  previous: string;
}
export interface ManifestLine {
  chain: string;
  seq: number;
  hash: string;
}

/** Of its entry in the chain `control`. */
export function manifestKey(number: number): string {
  return `manifest:${number}`;
}

const PAGE = 5_000;
/** What was being written while the last one was read is listed again: longer than any transaction may take. */
const OVERLAP = "10 minutes";

/**
 * `full`: every chain, whenever it moved. The sink is kept before the transaction ends: a manifest that is recorded and
 * not there would be a false alarm, one that is there and not recorded is written again under the same number.
 */
export function makeManifest(
  db: Database,
  sinkOf: (header: ManifestHeader) => Promise<ManifestSink>,
  { full }: { full: boolean },
): Promise<ManifestMade> {
  return inTransaction(db, async (tx) => {
    await sql`lock table audit_manifests in share row exclusive mode`.execute(tx);
    const last = await tx
      .selectFrom("audit_manifests")
      .selectAll()
      .orderBy("number", "desc")
      .limit(1)
      .executeTakeFirst();
    const [number, previous] = [(last?.number ?? 0) + 1, last?.hash ?? ""];
    const header: ManifestHeader = { manifest: 1, number, at: await readNow(tx), previous };
    const sink = await sinkOf(header);
    try {
      const { hash, chains } = await write(tx, sink, header, full ? null : (last?.at ?? null));
      await tx
        .insertInto("audit_manifests")
        .values({ number, at: header.at, hash, previous_hash: previous, chains })
        .execute();
      const body = { number, at: header.at, hash, previous, chains };
      await appendControl(tx, { key: manifestKey(number), kind: "manifest", body });
      return { number, at: header.at, hash, previous, chains, file: await sink.keep() };
    } catch (error) {
      await sink.drop();
      throw error;
    }
  });
}

async function write(
  tx: Transaction<Tables>,
  sink: ManifestSink,
  header: ManifestHeader,
  since: string | null,
): Promise<{ hash: string; chains: number }> {
  const digest = createHash("sha256");
  const put = async (lines: object[]): Promise<void> => {
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    digest.update(text);
    await sink.write(text);
  };
  await put([header]);
  let [after, chains] = ["", 0];
  for (;;) {
    const { rows } = await sql<ManifestLine>`
      select chain, seq, hash from audit_chains
       where chain > ${after} and seq > 0 and pruned_by is null
         and (${since}::timestamptz is null or moved_at >= ${since}::timestamptz - ${OVERLAP}::interval)
       order by chain limit ${PAGE}`.execute(tx);
    const last = rows.at(-1);
    if (last === undefined) break;
    await put(rows);
    chains += rows.length;
    after = last.chain;
  }
  await put([{ chains }]);
  return { hash: digest.digest("hex"), chains };
}
