import { z } from "zod";
import type { ProvisionedNode } from "../../ports/ports.ts";

/** Where a rebuild is noted on the node, so that it can be read back. */
export const NOTE_KEY = "selfheal_key";
export const NOTE_CHANGED_AT = "selfheal_changed_at_before";

export const FIELDS = "uuid,name,provision_state,provision_updated_at,last_error,maintenance,maintenance_reason,extra";

export const node = z.object({
  uuid: z.string(),
  name: z.string().nullish(),
  provision_state: z.string().nullable(),
  provision_updated_at: z.string().nullish(),
  last_error: z.string().nullish(),
  maintenance: z.boolean().nullish(),
  maintenance_reason: z.string().nullish(),
  extra: z.record(z.string(), z.unknown()).nullish(),
});
export const nodeList = z.object({ nodes: z.array(node), next: z.string().nullish() });
export type IronicNode = z.infer<typeof node>;

/** `asked` is the name or uuid that the node is known by on our side. */
export function asNode(raw: IronicNode, asked: string): ProvisionedNode {
  const rawState = raw.provision_state ?? "none";
  const maintenance = raw.maintenance ? `in maintenance: ${raw.maintenance_reason ?? "no reason given"}` : null;
  return {
    node: asked,
    state: stateOf(rawState),
    rawState,
    error: raw.last_error || maintenance,
    changedAt: iso(raw.provision_updated_at),
    noted: notedOn(raw),
  };
}

/** States in which Ironic rests without being failed or in use. */
const RESTING = new Set(["none", "available", "manageable", "enroll", "rescue", "deleted"]);

/** Ironic's provision states in our four words. What is neither at rest nor failed is on its way. */
export function stateOf(raw: string): ProvisionedNode["state"] {
  if (raw === "active") return "active";
  if (raw === "error" || raw.endsWith(" failed")) return "failed";
  return RESTING.has(raw) ? "other" : "busy";
}

function notedOn(raw: IronicNode): ProvisionedNode["noted"] {
  const key = raw.extra?.[NOTE_KEY];
  if (typeof key !== "string" || key === "") return null;
  const before = raw.extra?.[NOTE_CHANGED_AT];
  return { key, changedAtBefore: typeof before === "string" && before !== "" ? before : null };
}

function iso(text: string | null | undefined): string | null {
  const at = Date.parse(text ?? "");
  return Number.isNaN(at) ? null : new Date(at).toISOString();
}
