/** One text for one value: keys sorted, no white space. What hashes are made over. */
import { createHash } from "node:crypto";
import type { Json } from "../contracts/json.ts";

export function canonicalJson(value: Json): string {
  // Objects that were never JSON (undefined, Date) become what reading them back from the database gives.
  return write(JSON.parse(JSON.stringify(value)) as Json);
}

function write(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(write).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${write(value[key] ?? null)}`).join(",")}}`;
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
