/** What the sender of each alert source must show: `sources.<name>.token` of selfheal.yaml. */
import type { Catalogue } from "../catalogue/catalogue.ts";
import { resolveSecrets, type SecretSource } from "../catalogue/secrets.ts";
import { EXIT, UserError } from "../config/user-error.ts";
import { Secret } from "../ports/secret.ts";
import { SOURCES } from "./sources/index.ts";
import { TICKET_SYSTEMS } from "./tickets.ts";

/** By the source's name, those that have one. A UserError names what is missing or not known, never a value. */
export function sourceTokens(sources: Catalogue["sources"], secrets: SecretSource): Record<string, Secret> {
  const tokens: Record<string, Secret> = {};
  for (const [name, { token }] of Object.entries(sources)) {
    const known = [...SOURCES, ...TICKET_SYSTEMS].map((source) => source.name);
    if (!known.includes(name))
      throw wrong(`sources.${name}: there is no such source; right would be ${known.join(", ")}`);
    if (token === undefined) continue;
    const { value, missing } = resolveSecrets(token, secrets, ["sources", name, "token"]);
    const first = missing[0];
    if (first) throw wrong(`${first.path.join(".")}: ${first.message}; right would be ${first.wouldBeRight}`);
    if (value instanceof Secret) tokens[name] = value;
  }
  return tokens;
}

function wrong(message: string): UserError {
  return new UserError(`selfheal.yaml: ${message}`, { exitCode: EXIT.usage });
}
