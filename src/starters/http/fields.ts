/** Fields that many requests have. Each message is the answer to "what would be right". */
import { z } from "zod";

export const YEAR_MS = 366 * 24 * 3_600_000;

export const name = z
  .string({ error: "a text" })
  .trim()
  .min(1, "a text that is not empty")
  .max(255, "at most 255 characters");
export const reason = z
  .string({ error: "a text" })
  .trim()
  .min(1, "a text that says why")
  .max(500, "at most 500 characters");
export const by = name.describe("Who says so; with a token of your own it is you, and may be left out");
const TIME = "a time such as 2026-11-21T22:00:00Z";
const [FIRST, LAST] = [0, Date.UTC(9_000, 0)];
/** In UTC: PostgreSQL knows fewer offsets and years than ISO 8601. */
export const time = z.iso
  .datetime({ offset: true, error: TIME })
  .refine((text) => Date.parse(text) >= FIRST && Date.parse(text) < LAST, { error: `${TIME}, from 1970 to 8999` })
  .transform((text) => new Date(text).toISOString());
export const whole = z.number({ error: "a number" }).int("a whole number").min(1, "1 or more");
export const forMs = z
  .number({ error: "milliseconds" })
  .int("a whole number")
  .min(1, "1 or more")
  .max(YEAR_MS, "at most a year");

/** Of a query: its values are texts. */
export function limitOf(most: number) {
  return z
    .string()
    .regex(/^\d{1,6}$/, `a whole number from 1 to ${most}`)
    .transform(Number)
    .refine((count) => count >= 1 && count <= most, { error: `a whole number from 1 to ${most}` })
    .optional()
    .meta({ type: "integer", minimum: 1, maximum: most });
}
export const cursor = z
  .string({ error: "a text" })
  .max(1_000, "at most 1000 characters")
  .optional()
  .describe("Where the page begins: as `next` of the page before has it");
