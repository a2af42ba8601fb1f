/** Whether one chain is what was written, entry by entry: pure, and flat in memory however long the chain is. */
import { canonicalJson, sha256 } from "../canonical.ts";

/** The previous hash of a chain's first entry. */
export const GENESIS = "";

export const FAULT_CODES = [
  /** Its content does not fit its hash. */
  "changed",
  /** Its content fits its hash under another number: it was renumbered or moved. */
  "moved",
  /** A number is not there. */
  "missing",
  /** It does not name the hash of the one before it. */
  "unlinked",
  /** A head that was seen elsewhere (close, Temporal, manifest) is not in the chain: it was cut or written anew. */
  "head",
  /** A row beside the chain says something else than its entry. */
  "row",
  /** Nothing is left of it. */
  "lost",
] as const;
export type FaultCode = (typeof FAULT_CODES)[number];

export interface Fault {
  code: FaultCode;
  /** Of the entry that it is about; null: of none. */
  seq: number | null;
  /** One sentence with what stands there and what should. */
  detail: string;
}

/** As it is stored; `AuditRow` of a story is one. */
export interface Entry {
  /** The chain. */
  remediationId: string;
  seq: number;
  at: string;
  kind: string;
  body: Parameters<typeof canonicalJson>[0];
  previousHash: string;
  hash: string;
}

/** A head that somebody else kept. `seq` null: its number is not known. */
export interface KeptHead {
  hash: string;
  seq: number | null;
  /** Where it was seen, for people: `the Temporal history`. */
  source: string;
}

export interface Checked {
  entries: number;
  /** Hash of the last entry. */
  head: string;
  faults: Fault[];
  /** Faults beyond those that are listed. */
  more: number;
  /** Entries behind the last faulty one that are as they were written. */
  intactAfter: number;
}

/** Of one chain: behind a rewritten entry thousands may follow that say the same. */
const MOST_FAULTS = 20;
/** How far an entry is looked for from where it stands. */
const MOVED_BY = 50;

/** Of everything in the entry but the hash itself. */
export function hashOf({ remediationId, seq, at, kind, body, previousHash }: Entry): string {
  return sha256(canonicalJson({ remediationId, seq, at, kind, body, previousHash }));
}

/** `add` each entry in the order of its number, then `end`. */
export class ChainCheck {
  readonly #chain: string;
  /** Of a chain whose beginning was removed: the last entry of that. */
  readonly #after: { seq: number; hash: string };
  readonly #kept: (KeptHead & { found: boolean })[] = [];
  readonly #faults: Fault[] = [];
  /** An export of some time: what was before and after is not known. */
  readonly #partial: boolean;
  #more = 0;
  #entries = 0;
  #intactAfter = 0;
  #first = 0;
  #last: Entry | null = null;

  constructor(
    chain: string,
    { partial = false, after }: { partial?: boolean; after?: { seq: number; hash: string } } = {},
  ) {
    this.#chain = chain;
    this.#after = after ?? { seq: 0, hash: GENESIS };
    this.#partial = partial;
  }

  /** It must be among the hashes. Before the first `add`. */
  expect(kept: KeptHead): void {
    this.#kept.push({ ...kept, found: kept.hash === this.#after.hash || kept.hash === GENESIS });
  }

  add(entry: Entry): void {
    const fault = this.#faultOf(entry);
    this.#intactAfter = fault === null ? this.#intactAfter + 1 : 0;
    if (fault !== null) this.report(fault);
    for (const kept of this.#kept) kept.found ||= kept.hash === entry.hash;
    if (this.#last === null) this.#first = entry.seq;
    this.#entries += 1;
    this.#last = entry;
  }

  report(fault: Fault): void {
    if (this.#faults.length < MOST_FAULTS) this.#faults.push(fault);
    else this.#more += 1;
  }

  end(): Checked {
    for (const kept of this.#kept) if (!kept.found && this.#isInside(kept)) this.report(this.#lostHead(kept));
    const head = this.#last?.hash ?? this.#after.hash;
    return { entries: this.#entries, head, faults: this.#faults, more: this.#more, intactAfter: this.#intactAfter };
  }

  #faultOf(entry: Entry): Fault | null {
    const { seq, remediationId } = entry;
    const last = this.#last;
    if (remediationId !== this.#chain) {
      return { code: "moved", seq, detail: `entry ${seq} belongs to another chain, ${remediationId}` };
    }
    const due = last === null ? (this.#partial ? seq : this.#after.seq + 1) : last.seq + 1;
    if (hashOf(entry) !== entry.hash) return changed(entry);
    if (seq > due) return missing(due, entry);
    if (seq < due) return { code: "moved", seq, detail: `${nameOf(entry)} stands behind entry ${due - 1}` };
    if (last === null && this.#partial) return null;
    return entry.previousHash === (last?.hash ?? this.#after.hash) ? null : unlinked(entry, last);
  }

  /** Of a part only what it spans can be said. */
  #isInside({ seq }: KeptHead): boolean {
    if (!this.#partial || seq === null) return true;
    return seq >= this.#first && seq <= (this.#last?.seq ?? 0);
  }

  #lostHead({ hash, seq, source }: KeptHead): Fault {
    const last = this.#last?.seq ?? 0;
    const why =
      seq !== null && seq > last
        ? `the chain ends with entry ${last}: it was cut`
        : "it is not in the chain: it was cut or written anew";
    const number = seq === null ? "" : ` of entry ${seq}`;
    return {
      code: "head",
      seq: seq ?? last,
      detail: `the head ${short(hash)}${number} is known from ${source}, but ${why}`,
    };
  }
}

function changed(entry: Entry): Fault {
  const { seq } = entry;
  const was = writtenAs(entry);
  if (was !== null) {
    return {
      code: "moved",
      seq,
      detail: `${nameOf(entry)} was written as entry ${was}: entries were renumbered or reordered`,
    };
  }
  const made = short(hashOf(entry));
  const detail = `${nameOf(entry)} was changed: its content has the hash ${made}, not ${short(entry.hash)} as it was written`;
  return { code: "changed", seq, detail };
}

/** The number under which its content fits its hash. */
function writtenAs(entry: Entry): number | null {
  for (let by = 1; by <= MOVED_BY; by++) {
    for (const seq of [entry.seq - by, entry.seq + by]) {
      if (seq > 0 && hashOf({ ...entry, seq }) === entry.hash) return seq;
    }
  }
  return null;
}

function missing(due: number, next: Entry): Fault {
  const which = next.seq - due === 1 ? `entry ${due} is` : `entries ${due} to ${next.seq - 1} are`;
  return { code: "missing", seq: due, detail: `${which} missing: the next one is ${nameOf(next)}` };
}

function unlinked(entry: Entry, last: Entry | null): Fault {
  const before = last === null ? "the first entry follows none" : `entry ${last.seq} has ${short(last.hash)}`;
  const names = entry.previousHash === GENESIS ? "none" : short(entry.previousHash);
  const detail = `${nameOf(entry)} follows ${names}, but ${before}: something was put in, or what is before it was written anew`;
  return { code: "unlinked", seq: entry.seq, detail };
}

function nameOf({ seq, kind, at }: Entry): string {
  return `entry ${seq} (${kind} of ${at})`;
}

/** Enough of a hash to find it. */
export function short(hash: string): string {
  return hash.slice(0, 12);
}
