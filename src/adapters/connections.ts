/** The `connections` of selfheal.yaml, as they are once secrets are resolved. */
import { z } from "zod";
import { channelSchema } from "./channels.ts";
import { secret, url } from "./connection-fields.ts";
import { parseEndpoint } from "./sockets.ts";

const address = z.string().refine(isAddress, { message: "expected tcp://host:port or unix:///path/to/socket" });

/** One a port; a port that is left out is a stub whose every call says so. */
export const connectionsSchema = z.strictObject({
  prometheus: z
    .strictObject({
      url: url.describe("with the path under which it is served, without /api"),
      token: secret.optional().describe("sent as a bearer token"),
    })
    .optional()
    .describe("metrics: probes, conditions and harm"),
  alertmanager: z.strictObject({ url }).optional().describe("silences"),
  loadBalancer: z
    .strictObject({ uses: z.literal("haproxy"), address: address.describe("the runtime API, level admin") })
    .optional()
    .describe("pools and their servers"),
  tickets: z
    .strictObject({
      uses: z.literal("request-tracker"),
      url: url.describe("RT's web address"),
      token: secret.describe("an RT authentication token"),
      queue: z.string().min(1).optional().describe("for tickets that name none"),
    })
    .optional()
    .describe("work for people"),
  provisioner: z
    .strictObject({
      uses: z.literal("ironic"),
      url: url.describe("the API's root, without /v1"),
      token: secret.optional().describe("a Keystone token; left out for an Ironic without authentication"),
    })
    .optional()
    .describe("installs hosts"),
  bmc: z
    .strictObject({
      uses: z.literal("redfish"),
      url: url.describe("of the BMC, or of what aggregates many"),
      user: z.string().min(1).optional(),
      password: secret.optional(),
    })
    .optional()
    .describe("power and drives"),
  leases: z
    .strictObject({
      uses: z.literal("file"),
      path: z.string().min(1).describe("a file of JSON Lines, or a folder of *.jsonl, that other systems write"),
      maxAgeSeconds: z
        .int()
        .positive()
        .optional()
        .describe("a file that was written longer ago refuses; default: none"),
    })
    .optional()
    .describe("targets that other systems hold"),
  notify: channelSchema.optional().describe("messages and pages: the only channel, or the last, by the name notify"),
  channels: z
    .record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, { message: "expected a short name" }), channelSchema)
    .refine((channels) => !Object.hasOwn(channels, "notify"), {
      message: "expected another name than notify: that is connections.notify",
    })
    .optional()
    .describe("ways to reach people, by name; tried in this order where `notifications` says nothing else"),
});
export type Connections = z.infer<typeof connectionsSchema>;

function isAddress(text: string): boolean {
  try {
    parseEndpoint(text);
    return true;
  } catch {
    return false;
  }
}
