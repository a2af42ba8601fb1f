import type { Json } from "./json.ts";

/** Names what is healed. `id` is canonical: the identity rules have run. */
export interface TargetRef {
  kind: string;
  id: string;
}

/** A target with its inventory facts. */
export interface Target extends TargetRef {
  owner: string;
  group: string;
  rack: string | null;
  region: string | null;
  services: string[];
  labels: Record<string, string>;
  stateless: boolean;
  /** Scope names of what it needs to work, also by its rack, region and services. Left out: nothing is known. */
  dependsOn?: string[];
  /** Whatever else the inventory says: address, pool, image, diskCount, bmc, node … */
  attributes: Record<string, Json>;
}

/** The kind of the stand-in target for an alert whose real target nobody can name. */
export const UNKNOWN_KIND = "unknown";
