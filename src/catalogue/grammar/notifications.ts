/** `notifications` of selfheal.yaml: who is told by which channels, and in which words. */
import { z } from "zod";
import { ROUTES } from "../../contracts/route.ts";
import { name, text } from "./common.ts";

const ROUTE = "page, ticket or message";
const route = z.enum(ROUTES, { error: ROUTE });
const several = <T extends z.ZodType>(one: T) => z.array(one).min(1, { error: "at least one" }).optional();
/** All of them may hang until their time-outs, and telling people must end inside its 30 s (workflows/proxies.ts). */
export const MOST_CHANNELS = 4;
const channels = z
  .array(name)
  .min(1, { error: "at least one channel" })
  .max(MOST_CHANNELS, { error: `at most ${MOST_CHANNELS} channels` });

const RATE = "a burn rate greater than 0; 1 spends exactly the error budget";
const when = z
  .strictObject({
    route: several(route).describe("what the runbook, or selfheal itself, makes of it"),
    severity: several(z.enum(["critical", "warning", "info"], { error: "critical, warning or info" })),
    owner: several(text).describe("of the runbook or of the target"),
    group: several(name),
    runbook: several(name),
    burnRate: z
      .number({ error: RATE })
      .positive({ error: RATE })
      .optional()
      .describe("an objective that governs the target burnt its budget at least so fast when it was decided"),
  })
  .prefault({})
  .describe("all of these; what says nothing fits everything");

const template = (title: string, body: string) =>
  z
    .strictObject({ title: text.default(title), text: text.default(body) })
    .prefault({})
    .describe("${{ … }} over message and remediation");

/** A page says the state of the world, what was tried, what is waiting, and the next command to type. */
const PAGE = `\${{ message.text }}
State: \${{ remediation.state }}
Tried: \${{ remediation.tried }}
Waiting: \${{ remediation.waiting }}
Next: \${{ remediation.next }}`;
const PLAIN = "${{ message.text }}";
const TITLE = "${{ message.title }}";

export const notificationsSchema = z
  .strictObject({
    routes: z
      .array(
        z.strictObject({
          when,
          as: route.optional().describe("makes this of it; a page stays one"),
          to: channels.describe("tried in this order until one takes it"),
        }),
      )
      .max(100)
      .default([])
      .describe("the first that fits counts"),
    otherwise: channels
      .optional()
      .describe("what no route fits; default: the channels as connections name them, the first four"),
    templates: z
      .strictObject({ page: template(TITLE, PAGE), ticket: template(TITLE, PLAIN), message: template(TITLE, PLAIN) })
      .prefault({})
      .describe("of messages about a remediation"),
  })
  .prefault({})
  .describe("who is told by which channels, and in which words");
export type NotificationsSpec = z.infer<typeof notificationsSchema>;
