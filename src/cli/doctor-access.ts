/** The doctor's look at who may ask the API, and at what Temporal stores. */
import type { Catalogue } from "../catalogue/catalogue.ts";
import type { ApiToken } from "../record/api-identity.ts";
import type { RecordStore } from "../record/api.ts";
import { isLoopback } from "../starters/http/gate.ts";
import { fail, failed, info, ok, warn, type Line } from "./doctor-line.ts";

/** Of the environment that the doctor was given. */
export interface AccessSettings {
  /** Where `serve` listens (SELFHEAL_HOST). */
  host: string;
  /** SELFHEAL_API_TOKEN is set. */
  shared: boolean;
  /** Ids of SELFHEAL_PAYLOAD_KEYS, the one that encrypts first; empty: nothing is encrypted. Throws when they are wrong. */
  payloadKeys: () => string[];
}

const AREA = "access";
const SOON_MS = 14 * 24 * 3_600_000;
const FIRST = "selfheal token create NAME --role admin --record";

export async function checkAccess(
  record: Pick<RecordStore, "apiTokens" | "now">,
  catalogue: Catalogue | null,
  settings: AccessSettings,
): Promise<Line[]> {
  try {
    const [tokens, now] = await Promise.all([record.apiTokens(), record.now()]);
    return [...callerLines(tokens, catalogue?.access.oidc !== undefined, settings), ...endingLines(tokens, now)];
  } catch (error) {
    return [failed(AREA, error, "check the database")];
  }
}

function callerLines(tokens: ApiToken[], oidc: boolean, { host, shared }: AccessSettings): Line[] {
  const inForce = tokens.filter(({ state }) => state === "inForce");
  const ways = [
    ...(tokens.length > 0 ? [`${inForce.length} tokens in force`] : []),
    ...(oidc ? ["access.oidc"] : []),
    ...(shared ? ["SELFHEAL_API_TOKEN"] : []),
  ];
  if (ways.length === 0) {
    const nobody = "the API asks nobody who he is";
    if (isLoopback(host)) return [info(AREA, `${nobody}: everybody on this machine may approve in any name`, FIRST)];
    return [fail(AREA, `${nobody}, and will not listen on ${host} so`, FIRST, "configuration")];
  }
  const lines = [ok(AREA, `the API asks everybody who he is: ${ways.join(", ")}`)];
  if (shared && !oidc && tokens.length === 0) {
    const detail = "SELFHEAL_API_TOKEN alone proves no person: whoever has it may approve in any name";
    return [...lines, info(AREA, detail, FIRST)];
  }
  if (!oidc && !shared && !inForce.some(({ roles }) => roles.includes("admin"))) {
    lines.push(warn(AREA, "no token with the role admin is in force: nobody can make others over the API", FIRST));
  }
  return lines;
}

function endingLines(tokens: ApiToken[], now: string): Line[] {
  const soon = tokens.filter(
    ({ state, expiresAt }) => state === "inForce" && Date.parse(expiresAt) - Date.parse(now) < SOON_MS,
  );
  return soon.map(({ name, subject, expiresAt }) =>
    warn(
      AREA,
      `the token ${name} of ${subject} ends at ${expiresAt}`,
      `selfheal token create NEW-NAME --subject ${subject} --role ROLE`,
    ),
  );
}

export function payloadLine({ payloadKeys }: AccessSettings): Line {
  const area = "payloads";
  try {
    const [newest, ...others] = payloadKeys();
    if (newest === undefined) return info(area, "what Temporal stores is not encrypted (SELFHEAL_PAYLOAD_KEYS)");
    const older = others.length === 0 ? "" : `; ${others.join(", ")} can still be read`;
    return ok(area, `what Temporal stores is encrypted with the key ${newest}${older}`);
  } catch (error) {
    return failed(area, error, "ID:KEY of each key, the newest first; a key is `openssl rand -base64 32`");
  }
}
