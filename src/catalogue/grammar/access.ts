/** `access` of selfheal.yaml: how people and programs prove to the API who they are. */
import { z } from "zod";
import { ROLES } from "../../contracts/roles.ts";
import { durationSchema, name, text } from "./common.ts";

const URL_HELP = "https://HOST/…, or http:// on this machine (127.0.0.1, localhost)";

/** Keys that come over a network that anybody can write to prove nothing. */
const trusted = z.string({ error: URL_HELP }).refine((value) => isTrusted(value), { error: URL_HELP });

function isTrusted(value: string): boolean {
  const url = URL.parse(value);
  if (url === null) return false;
  return (
    url.protocol === "https:" || (url.protocol === "http:" && /^(127\.0\.0\.1|localhost|\[::1\])$/.test(url.hostname))
  );
}

const roles = z.array(z.enum(ROLES, { error: `one of ${ROLES.join(", ")}` })).min(1, { error: "at least one role" });
const groups = z
  .array(name)
  .min(1, { error: "at least one group" })
  .optional()
  .describe("only in these; default: in all");

const grant = z.strictObject({ value: text.describe("one that the claim may hold"), roles, groups });

const SLACK_ID = "the id of a Slack user, such as U012AB3CD";

/** Who a person is in chat, and what the API lets him do from there. */
export const slackPerson = z.strictObject({
  id: z
    .string({ error: SLACK_ID })
    .regex(/^[UW][A-Z0-9]{2,30}$/, { error: SLACK_ID })
    .describe(SLACK_ID),
  roles: roles.default(["viewer"]).describe("of the API; which plans he may approve is said by his own roles"),
  groups,
});

export function accessSchema() {
  const oidc = z.strictObject({
    issuer: trusted.describe("exactly as it stands in `iss`"),
    audience: text.describe("what must stand in `aud`"),
    jwks: trusted.optional().describe("where its keys are; default: as its discovery document says"),
    subject: text.default("sub").describe("the claim that names the person, as `people` does"),
    claim: text.default("roles").describe("the claim whose values `grants` maps; dots lead inside"),
    grants: z.array(grant).default([]),
    // Of the provider's clock: not scaled.
    clockTolerance: durationSchema(1).prefault("30s"),
  });
  return z.strictObject({ oidc: oidc.optional() }).prefault({}).describe("who may ask the API for what");
}
