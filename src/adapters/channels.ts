/** The ways to reach people: `connections.channels` of selfheal.yaml. */
import { z } from "zod";
import type { ChannelPort, Outside } from "../ports/ports.ts";
import { Secret } from "../ports/secret.ts";
import { secret, url } from "./connection-fields.ts";
import { pagerduty } from "./pagerduty/events.ts";
import { incomingWebhook } from "./slack/incoming-webhook.ts";
import { slackApp } from "./slack/web-api.ts";
import { mail } from "./smtp/mail.ts";
import { webhook } from "./webhook/channel.ts";

const ADDRESS = "an e-mail address, such as selfheal@example.net or selfheal <selfheal@example.net>";
const address = z.string({ error: ADDRESS }).regex(/^[^\r\n]*[^\s<>@]+@[^\s<>@]+>?$/, { error: ADDRESS });

export const channelSchema = z.discriminatedUnion(
  "uses",
  [
    z.strictObject({
      uses: z.literal("slack"),
      url: secret.describe("the incoming webhook's URL, itself a secret"),
    }),
    z.strictObject({
      uses: z.literal("slack-app"),
      token: secret.describe("of the app's bot, with the scope chat:write"),
      channel: z
        .string()
        .regex(/^[A-Z0-9]{3,20}$/, { message: "expected a channel's id, such as C0123456789" })
        .describe("its id"),
      url: url.optional().describe("default: https://slack.com/api"),
    }),
    z.strictObject({
      uses: z.literal("pagerduty"),
      routingKey: secret.describe("the integration key of a service, for Events API v2"),
      url: url.optional().describe("default: https://events.pagerduty.com"),
    }),
    z.strictObject({
      uses: z.literal("smtp"),
      host: z.string().min(1),
      port: z.int().min(1).max(65_535).optional().describe("default: 465 for tls implicit, else 587"),
      tls: z
        .enum(["implicit", "starttls", "none"])
        .optional()
        .describe("default: starttls, and nothing is said before"),
      user: z.string().min(1).optional(),
      password: secret.optional(),
      from: address,
      to: z.array(address).min(1),
    }),
    z.strictObject({
      uses: z.literal("webhook"),
      url: z
        .union([secret, url], { error: "expected an http or https URL, or { env: NAME } or { file: path } of one" })
        .describe("of yours; a reference where it is a secret itself"),
      hmac: secret.optional().describe("key that signs each body"),
    }),
  ],
  { error: "slack, slack-app, pagerduty, smtp or webhook" },
);
type ChannelConnection = z.infer<typeof channelSchema>;

export function buildChannel(connection: ChannelConnection, outside: Outside): ChannelPort {
  switch (connection.uses) {
    case "slack":
      return incomingWebhook({ ...connection, outside });
    case "slack-app":
      return slackApp({ ...connection, outside });
    case "pagerduty":
      return pagerduty({ ...connection, outside });
    case "smtp":
      return mail({ ...connection, outside });
    case "webhook": {
      const { url: at, hmac } = connection;
      return webhook({ url: at instanceof Secret ? at : new Secret(at), hmac, outside });
    }
  }
}
