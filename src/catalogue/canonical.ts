import { createHash } from "node:crypto";
import type { Json, JsonObject } from "../contracts/json.ts";

/** JSON with sorted keys and no white space: equal values give equal text, whatever the order they were written in. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key] ?? null)}`).join(",")}}`;
}

/** sha256 of the canonical JSON, as 64 hex digits. */
export function hashOf(value: Json): string {
  return sha256(canonicalJson(value));
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

const hashes = new WeakMap<JsonObject, string>();

/** As hashOf, kept for as long as the document lives. It must not be changed afterwards. */
export function documentHash(document: JsonObject): string {
  const known = hashes.get(document) ?? hashOf(document);
  hashes.set(document, known);
  return known;
}
