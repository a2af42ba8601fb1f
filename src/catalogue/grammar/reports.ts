/** What is told afterwards: reports of a period, and tickets for what comes again and again. */
import { z } from "zod";
import { count, type DurationSchema, name, text } from "./common.ts";

const MINUTES = "minutes, 0 or more";
export const minutes = z
  .number({ error: MINUTES })
  .min(0, { error: MINUTES })
  .max(100_000, { error: "at most 100000" });

const ZONE = "a time zone of the IANA database such as Europe/Berlin, or UTC";
const timezone = z.string({ error: ZONE }).refine(isZone, { error: ZONE }).describe(ZONE);

function isZone(value: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: value });
    return true;
  } catch {
    return false;
  }
}

/** A label of the inventory, or a place of the target. */
const LABELS = ["model", "firmware", "version", "rack"];

export const reportsSchema = z
  .strictObject({
    timezone: timezone.default("UTC"),
    savesMinutes: minutes
      .default(30)
      .describe("work of a person that one healed remediation spares, where its runbook does not say"),
    patterns: z
      .array(text)
      .max(10)
      .default(LABELS)
      .describe("labels of the inventory by which errors are compared; rack and region count as such"),
    send: z
      .array(z.enum(["day", "week", "month"], { error: "day, week or month" }))
      .default(["month"])
      .describe("sent once each such period is over"),
    route: z.enum(["ticket", "message"], { error: "ticket or message" }).default("message"),
  })
  .prefault({})
  .describe("what `selfheal report` counts by, and what is sent by itself");

export function problemsSchema(duration: DurationSchema) {
  const OFF = z.literal("off");
  return z
    .strictObject({
      within: duration.prefault("30d").describe("remediations closed inside this time are compared"),
      target: z.union([OFF, count]).default(3).describe("faults of one target that were acted on or went to a person"),
      pattern: z
        .union([OFF, z.strictObject({ targets: count, times: z.number().min(1) })])
        .default({ targets: 5, times: 3 })
        .describe("different targets with one value of a label, and how many times the share of the others that is"),
      queue: name.optional().describe("of connections.tickets; default: its own"),
    })
    .prefault({})
    .describe("what comes again and again gets one problem ticket");
}
