import { connectionsSchema, type Connections } from "../adapters/connections.ts";
import type { Catalogue } from "../catalogue/catalogue.ts";
import { resolveSecrets, type SecretSource } from "../catalogue/secrets.ts";
import { processSecrets } from "../config/secrets.ts";
import { EXIT, UserError } from "../config/user-error.ts";

/** The connections with their secrets filled in; a UserError names the place and the missing variable, never a value. */
export function resolveConnections(
  catalogue: Pick<Catalogue, "connections">,
  source: SecretSource = processSecrets(),
): Connections {
  const { value, missing } = resolveSecrets(catalogue.connections, source, ["connections"]);
  if (missing.length > 0) {
    const lines = missing.map(
      ({ path, message, wouldBeRight }) => `${path.join(".")}: ${message}; right would be ${wouldBeRight}`,
    );
    throw new UserError(`selfheal.yaml: ${lines.join("; ")}`, { exitCode: EXIT.usage });
  }
  return connectionsSchema.parse(value);
}
