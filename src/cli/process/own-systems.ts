/** A user's own systems, before anything is started on them: what is wrong with the folder, and who does not answer. */
import { ACTIONS } from "../../activities/actions.ts";
import { lookAtConnections, type Look } from "../../adapters/look.ts";
import { processSecrets } from "../../config/secrets.ts";
import type { Outside } from "../../ports/ports.ts";
import { requireCatalogue } from "../../starters/active-catalogue.ts";
import { sourceSecrets } from "../../starters/source-tokens.ts";
import { resolveConnections } from "../../workers/connections.ts";

/**
 * Rejects with a UserError for what no worker could start with: a mistake in the folder, a secret that is missing. A
 * system that does not answer is only told: it may come back, and what needs it refuses or waits until then.
 */
export async function checkOwnSystems(folder: string, outside: Outside): Promise<Look[]> {
  const catalogue = await requireCatalogue(folder, ACTIONS, processSecrets());
  sourceSecrets(catalogue.sources, processSecrets());
  return lookAtConnections(resolveConnections(catalogue), outside);
}

export function describeLook({ connection, fault, lacks }: Look): string {
  const wrong = fault ?? lacks;
  return wrong === null ? `connections.${connection}: answers` : `connections.${connection}: WARNING: ${wrong}`;
}
