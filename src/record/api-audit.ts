/** What the record does for the audit itself; a part of RecordStore (api.ts). Reading it back is audit/verify.ts. */
import type { AuditRow } from "./api.ts";
import type { ManifestHeader } from "./audit/manifest.ts";

/** Where a manifest goes. */
export interface ManifestSink {
  write(text: string): Promise<void>;
  /** It is whole: durable once this resolves. Answers its file, or null. */
  keep(): Promise<string | null>;
  /** It is not to be. */
  drop(): Promise<void>;
}

export interface ManifestMade {
  number: number;
  at: string;
  /** SHA-256 of the whole file, hex. */
  hash: string;
  /** Hash of the one before; empty: it is the first. */
  previous: string;
  /** Heads in it. */
  chains: number;
  file: string | null;
}

/** How long after an action its entry was there (M10), over the effects of some time. */
export interface AuditLag {
  /** Effects with a known moment of action. */
  effects: number;
  /** Seconds; null: there was no effect. */
  p50: number | null;
  p99: number | null;
  max: number | null;
  /** Age in seconds of the oldest intent of which nobody has written yet what became of it; 0: there is none. */
  unwritten: number;
  /** ISO, of the last manifest; null: there was none. */
  lastManifestAt: string | null;
}

export interface AuditRecord {
  /** The next manifest of the series. `full`: all heads, not only of what moved since the last one. */
  manifest(sinkOf: (header: ManifestHeader) => Promise<ManifestSink>, how: { full: boolean }): Promise<ManifestMade>;
  /** Of the chain `control`, newest first. `before`: only entries with a smaller number; null: from the newest on. */
  newestOfControl(before: number | null, limit: number): Promise<AuditRow[]>;
  /** Of effects that were settled in the last `windowMs`. */
  auditLag(windowMs: number): Promise<AuditLag>;
}
