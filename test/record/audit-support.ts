/** A record of audit-harm.ts, copied for each test (some harm cannot be undone), and what a verification says of it. */
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import {
  openAuditReader,
  type AuditReader,
  type ChainReport,
  type HistoryHead,
} from "../../src/record/audit/verify.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { writeRecord, type Written } from "./audit-harm.ts";

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

export interface Audited {
  db: TestDatabase;
  written: Written;
  reading<T>(work: (reader: AuditReader) => Promise<T>): Promise<T>;
  /** `heads`: what Temporal would say. */
  verified(heads?: ReadonlyMap<string, HistoryHead>): Promise<ChainReport[]>;
  /** `chain: code: detail` of everything that is wrong, with our names for the remediations. */
  wrong(heads?: ReadonlyMap<string, HistoryHead>): Promise<string[]>;
  /** Temporal's history of the healed one. */
  seenBy(hash: string): Map<string, HistoryHead>;
}

/** Of the whole file; its fields are there while tests run. */
export function audited(): Audited {
  let original: TestDatabase;
  let written: Written;
  let db: TestDatabase;
  beforeAll(async () => {
    original = await createTestDatabase();
    written = await writeRecord(original.record);
    await original.record.end();
  });
  beforeEach(async () => {
    db = await createTestDatabase({ copyOf: original.url });
  });
  afterEach(() => db.drop());
  afterAll(() => original.drop());

  const reading: Audited["reading"] = async (work) => {
    const reader = await openAuditReader(db.url);
    return work(reader).finally(() => reader.end());
  };
  const verified: Audited["verified"] = (heads) =>
    reading((reader) => all(reader.verify(heads === undefined ? {} : { heads })));
  return {
    get db() {
      return db;
    },
    get written() {
      return written;
    },
    reading,
    verified,
    wrong: async (heads) => {
      const name = new Map(Object.entries(written).map(([what, id]) => [id, what]));
      return (await verified(heads)).flatMap(({ chain, faults }) =>
        faults.map(({ code, detail }) => `${name.get(chain) ?? chain}: ${code}: ${detail}`),
      );
    },
    seenBy: (hash) => new Map([[written.healed, { hash, workflowId: "heal:host:healed" }]]),
  };
}
