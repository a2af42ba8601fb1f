/** Manifests against the record: what was in one and is gone, cut or written anew is found, and the series itself is followed. */
import { sql } from "kysely";
import { CONTROL_CHAIN } from "../audit.ts";
import type { Database } from "../pool.ts";
import { short, type Fault } from "./chain.ts";
import { readManifest, type ReadManifest } from "./manifest-file.ts";
import { manifestKey, type ManifestLine } from "./manifest.ts";

export interface ManifestReport {
  file: string;
  number: number;
  at: string;
  chains: number;
  /** Chains whose rows were removed on purpose since. */
  pruned: number;
  faults: (Fault & { chain: string })[];
  /** Faults beyond those that are listed. */
  more: number;
}

const MOST_FAULTS = 100;

/** One report a file, in the order given: that of their numbers, for the series to be followed. */
export async function* compareManifests(db: Database, files: readonly string[]): AsyncGenerator<ManifestReport> {
  let before: ReadManifest | null = null;
  for (const file of files) {
    const faults: ManifestReport["faults"] = [];
    let [more, chains, pruned] = [0, 0, 0];
    const report = (fault: ManifestReport["faults"][number]): void => {
      if (faults.length < MOST_FAULTS) faults.push(fault);
      else more += 1;
    };
    const read = await readManifest(file, async (lines) => {
      chains += lines.length;
      for (const { line, found } of await look(db, lines)) {
        if (isPruned(line, found)) pruned += 1;
        else {
          const fault = faultOf(line, found);
          if (fault !== null) report(fault);
        }
      }
    });
    for (const detail of await seriesFaults(db, read, before)) {
      report({ chain: `manifest ${read.header.number}`, code: "head", seq: null, detail });
    }
    const { number, at } = read.header;
    yield { file, number, at, chains, pruned, faults, more };
    before = read;
  }
}

interface Found {
  /** Of the head; null: there is no such chain. */
  seq: number | null;
  /** Of the entry with the line's number; null: there is none. Of the last one that was pruned: as its tombstone says. */
  hash: string | null;
  /** Number of the last entry that was removed on purpose, by the tombstone in the chain `control`; null: none was. */
  pruned: number | null;
}

/** What lies before the tombstone's entry cannot be compared any more. */
function isPruned({ seq, hash }: ManifestLine, { pruned, hash: found }: Found): boolean {
  return pruned !== null && (seq < pruned || (seq === pruned && hash === found));
}

async function look(db: Database, lines: readonly ManifestLine[]): Promise<{ line: ManifestLine; found: Found }[]> {
  const { rows } = await sql<Found & { at: number }>`
    select l.at::int - 1 as at, c.seq, (p.head ->> 'seq')::int as pruned,
           coalesce(a.hash, case when (p.head ->> 'seq')::int = l.seq then p.head ->> 'hash' end) as hash
      from unnest(${lines.map(({ chain }) => chain)}::text[], ${lines.map(({ seq }) => seq)}::int[])
             with ordinality as l (chain, seq, at)
      left join audit_chains c on c.chain = l.chain
      left join audit a on a.chain = l.chain and a.seq = l.seq
      left join lateral (
        select t.body -> 'heads' -> l.chain as head from audit t
         where t.chain = ${CONTROL_CHAIN} and t.seq = c.pruned_by and t.kind = 'pruned') p on true`.execute(db);
  return rows.flatMap(({ at, ...found }) => {
    const line = lines[at];
    return line === undefined ? [] : [{ line, found }];
  });
}

function faultOf({ chain, seq, hash }: ManifestLine, found: Found): (Fault & { chain: string }) | null {
  if (found.seq === null) {
    const detail = `it had ${seq} entries, and the record has nothing of it: its rows were removed`;
    return { chain, code: "lost", seq, detail };
  }
  if (found.hash === hash) return null;
  const detail =
    found.hash === null
      ? `its entry ${seq} with the hash ${short(hash)} is gone: the chain was cut, its head is entry ${found.seq}`
      : `its entry ${seq} had the hash ${short(hash)} and has ${short(found.hash)}: it was written anew`;
  return { chain, code: "head", seq, detail };
}

/** Files were changed, or one is missing between two; or the record was written anew with manifests and all. */
async function seriesFaults(
  db: Database,
  { header, hash }: ReadManifest,
  before: ReadManifest | null,
): Promise<string[]> {
  const faults: string[] = [];
  const entry = await db
    .selectFrom("audit")
    .select("body")
    .where("chain", "=", CONTROL_CHAIN)
    .where("key", "=", manifestKey(header.number))
    .executeTakeFirst();
  const told = entry?.body["hash"];
  if (entry === undefined) faults.push("the record does not know that it was made: it is older, or was written anew");
  else if (told !== hash) {
    faults.push(
      `the file has the hash ${short(hash)}, the record says ${typeof told === "string" ? short(told) : "none"}: one of them was changed`,
    );
  }
  if (before === null) return faults;
  if (header.number !== before.header.number + 1) {
    faults.push(`manifest ${before.header.number} comes before it: those between them were not given`);
  } else if (header.previous !== before.hash) {
    faults.push(`it follows ${short(header.previous)}, but manifest ${before.header.number} has ${short(before.hash)}`);
  }
  return faults;
}
