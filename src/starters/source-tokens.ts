/** What the sender of each alert source must show: `sources.<name>.token` and `.hmac` of selfheal.yaml. */
import type { Catalogue } from "../catalogue/catalogue.ts";
import { resolveSecrets, type SecretSource } from "../catalogue/secrets.ts";
import { EXIT, UserError } from "../config/user-error.ts";
import { Secret } from "../ports/secret.ts";
import { SOURCES } from "./sources/index.ts";
import { TICKET_SYSTEMS } from "./tickets.ts";

/** Under `sources` too, though no alert comes from it: its `hmac` is the signing secret of the Slack app. */
export const CHAT_SOURCE = "slack";

export interface SourceSecrets {
  token?: Secret;
  hmac?: Secret;
}

/** By the source's name. A UserError names what is missing or not known, never a value. */
export function sourceSecrets(sources: Catalogue["sources"], secrets: SecretSource): Record<string, SourceSecrets> {
  const known = [...[...SOURCES, ...TICKET_SYSTEMS].map((source) => source.name), CHAT_SOURCE];
  const unknown = Object.keys(sources).find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw wrong(`sources.${unknown}: there is no such source; right would be ${known.join(", ")}`);
  return Object.fromEntries(
    Object.entries(sources).map(([name, given]) => {
      const found: SourceSecrets = {};
      for (const key of ["token", "hmac"] as const) {
        const secret = resolved(given[key], ["sources", name, key], secrets);
        if (secret !== null) found[key] = secret;
      }
      return [name, found];
    }),
  );
}

function resolved(reference: string | undefined, path: string[], secrets: SecretSource): Secret | null {
  if (reference === undefined) return null;
  const { value, missing } = resolveSecrets(reference, secrets, path);
  const first = missing[0];
  if (first) throw wrong(`${first.path.join(".")}: ${first.message}; right would be ${first.wouldBeRight}`);
  return value instanceof Secret ? value : null;
}

function wrong(message: string): UserError {
  return new UserError(`selfheal.yaml: ${message}`, { exitCode: EXIT.usage });
}
