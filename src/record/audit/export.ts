/**
 * The audit as JSON lines, and such a file checked without a database. A first line says what was asked for, a last one
 * how much it is; between them the entries, the chain `control` first, then chain by chain.
 */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { sql } from "kysely";
import { z } from "zod";
import type { JsonObject } from "../../contracts/json.ts";
import { CONTROL_CHAIN } from "../audit.ts";
import { readNow } from "../clock.ts";
import type { Session } from "../pool.ts";
import { UserError } from "../../config/user-error.ts";
import { ChainCheck, type Checked, type Entry, type KeptHead } from "./chain.ts";

export interface ExportRange {
  /** ISO; entries from then on. Null: from the first. */
  from: string | null;
  /** ISO; entries before it. Null: to the last. */
  to: string | null;
}

const PAGE = 1_000;

/** Text of some lines at a time. */
export async function* exportAudit(db: Session, { from, to }: ExportRange): AsyncGenerator<string> {
  yield `${JSON.stringify({ selfhealAudit: 1, at: await readNow(db), from, to })}\n`;
  let [chains, entries, current] = [0, 0, ""];
  for await (const rows of pages(db, { from, to })) {
    entries += rows.length;
    for (const { chain } of rows) if (chain !== current) [chains, current] = [chains + 1, chain];
    yield rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  }
  yield `${JSON.stringify({ chains, entries })}\n`;
}

interface Line {
  chain: string;
  seq: number;
  key: string;
  at: string;
  kind: string;
  body: JsonObject;
  previousHash: string;
  hash: string;
}

/**
 * Of each chain from its first entry in that time to its last one, whole: a clock that was set back gives an entry between
 * them another time. Of chains that did not move since `from`, nothing is read.
 */
async function* pages(db: Session, range: ExportRange): AsyncGenerator<Line[]> {
  for (const isControl of [true, false]) {
    let after = { chain: "", seq: 0 };
    for (;;) {
      const { rows } = await sql<Line>`
        select a.chain, a.seq, a.key, a.at, a.kind, a.body, a.previous_hash as "previousHash", a.hash
          from audit_chains c
          join lateral (
            select min(seq) as first, max(seq) as last from audit
             where chain = c.chain and (${range.from}::timestamptz is null or at >= ${range.from})
               and (${range.to}::timestamptz is null or at < ${range.to})) span on true
          join audit a on a.chain = c.chain and a.seq between span.first and span.last
         where c.chain >= ${after.chain} and (a.chain, a.seq) > (${after.chain}, ${after.seq})
           and (c.chain = ${CONTROL_CHAIN}) = ${isControl}
           and (${range.from}::timestamptz is null or c.moved_at >= ${range.from})
         order by a.chain, a.seq limit ${PAGE}`.execute(db);
      const last = rows.at(-1);
      if (last === undefined) break;
      yield rows;
      after = last;
    }
  }
}

const HEADER = z.object({
  selfhealAudit: z.literal(1),
  at: z.string(),
  from: z.string().nullable(),
  to: z.string().nullable(),
});
const LINE = z.object({
  ...{ chain: z.string(), seq: z.number().int(), at: z.string(), kind: z.string() },
  ...{ body: z.record(z.string(), z.json()), previousHash: z.string(), hash: z.string() },
});
const END = z.strictObject({ chains: z.number(), entries: z.number() });

export interface ExportReader {
  /** Heads that the chain must have; asked before its first entry, as `after`. */
  expected: (chain: string) => readonly KeptHead[];
  /** Of a chain that was pruned: the last entry that was removed. */
  after: (chain: string) => { seq: number; hash: string } | undefined;
  entry: (entry: Entry) => void;
  /** After its last entry. */
  chain: (chain: string, checked: Checked) => void;
}
export interface ExportEnd {
  /** Everything was asked for: whatever is not in it is not in the record. */
  complete: boolean;
  chains: number;
  entries: number;
  /** Why the file does not hold what its end says, or null. */
  fault: string | null;
}

/** @throws UserError where the file is no export. */
export async function readExport(file: string, reader: ExportReader): Promise<ExportEnd> {
  const reading = new Reading(reader);
  let number = 0;
  for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    number += 1;
    reading.line(text, `${file}:${number}`);
  }
  return reading.end(file);
}

class Reading {
  readonly #reader: ExportReader;
  #header: z.infer<typeof HEADER> | null = null;
  #end: z.infer<typeof END> | null = null;
  #open: { chain: string; check: ChainCheck } | null = null;
  #chains = 0;
  #entries = 0;

  constructor(reader: ExportReader) {
    this.#reader = reader;
  }

  line(text: string, where: string): void {
    if (this.#header === null) this.#header = parsed(HEADER, text, where);
    else if (this.#end !== null) throw broken(where, "something stands behind its end");
    else if (text.startsWith('{"chains":')) this.#end = parsed(END, text, where);
    else {
      const { chain, ...rest } = parsed(LINE, text, where);
      const entry: Entry = { remediationId: chain, ...rest };
      this.#checkOf(chain).add(entry);
      this.#reader.entry(entry);
      this.#entries += 1;
    }
  }

  end(file: string): ExportEnd {
    if (this.#header === null) throw broken(file, "it is empty");
    this.#settle();
    const has = { chains: this.#chains, entries: this.#entries };
    return { complete: !this.#isPart(), ...has, fault: endFault(this.#end, has) };
  }

  #checkOf(chain: string): ChainCheck {
    if (this.#open?.chain === chain) return this.#open.check;
    this.#settle();
    const after = this.#reader.after(chain);
    const check = new ChainCheck(chain, { partial: this.#isPart(), ...(after === undefined ? {} : { after }) });
    for (const head of this.#reader.expected(chain)) check.expect(head);
    this.#open = { chain, check };
    this.#chains += 1;
    return check;
  }

  #isPart(): boolean {
    return this.#header?.from !== null || this.#header.to !== null;
  }

  #settle(): void {
    if (this.#open !== null) this.#reader.chain(this.#open.chain, this.#open.check.end());
  }
}

function endFault(said: z.infer<typeof END> | null, has: z.infer<typeof END>): string | null {
  if (said === null) return "its end is missing: it was cut";
  if (said.entries === has.entries && said.chains === has.chains) return null;
  return `its end says ${said.entries} entries of ${said.chains} chains, and it has ${has.entries} of ${has.chains}`;
}

function parsed<T>(schema: z.ZodType<T>, text: string, where: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw broken(where, "no JSON");
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw broken(where, z.prettifyError(result.error).replace(/\s*\n\s*/g, " "));
}

function broken(where: string, why: string): UserError {
  return new UserError(`${where}: this is no export of selfheal's audit: ${why}`);
}
