import { createHash } from "node:crypto";

/**
 * A short mark of an idempotency key for places where people read (a subject, a comment). It holds only characters
 * that no query language treats specially; 80 bits are enough that two keys never share it.
 */
export function keyMark(key: string): string {
  return createHash("sha256").update(key).digest("hex").slice(0, 20);
}
