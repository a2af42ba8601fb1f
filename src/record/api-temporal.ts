/** Which Temporal namespace a record belongs to; a part of RecordStore (api.ts). */

export interface TemporalIdentity {
  /** The namespace's own UUID, of DescribeNamespace: the same on every replica of it, another on a server set up anew. */
  namespaceId: string;
  /** Name and address are for people: they may change, and two servers may share them. */
  namespace: string;
  address: string;
}

export interface TemporalHome extends TemporalIdentity {
  since: string;
  /** Who moved the record here; null: it was the first that the record was used with. */
  by: string | null;
}

export interface TemporalRecord {
  /** null: the record was not used with any yet. */
  temporalHome(): Promise<TemporalHome | null>;
  /** The first namespace that is seen becomes the record's; a later one changes nothing. Answers whose the record is. */
  pinTemporal(seen: TemporalIdentity): Promise<TemporalHome>;
  /** A person moves the record to this namespace, whatever it belonged to. Audited in the chain `control`. */
  moveTemporal(to: TemporalIdentity, by: string, reason: string): Promise<TemporalHome>;
}
