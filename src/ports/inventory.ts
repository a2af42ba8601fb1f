/** Who knows which machines there are: an import reads it once. Another system (NetBox) is another adapter of this. */
export interface InventoryPort {
  /** All of them, bounded by MOST_FOUND. Rejects with an AdapterError. */
  found(): Promise<FoundTarget[]>;
}

export interface FoundTarget {
  /** As the system writes it; may be an address, with a port. */
  name: string;
  /** Further names and addresses. */
  aliases: string[];
  /** What the system says of it. Only what is asked for is ever taken over: variables may hold secrets. */
  labels: Record<string, string>;
  /** Groups of the system's own that it is in. */
  groups: string[];
}

export const MOST_FOUND = 100_000;
