import { catalogueFromContent, type Actions, type Catalogue } from "../catalogue/catalogue.ts";
import type { RecordStore } from "../record/api.ts";
import type { Catalogues } from "./dependencies.ts";

/** A pinned version stays what it is, so it is parsed once; the few that are in use fit. */
const KEPT = 8;

/** Catalogue versions of the record, by hash. Rejects while none was activated: the caller tries again. */
export function catalogues(record: Pick<RecordStore, "activeCatalogue" | "catalogue">, actions: Actions): Catalogues {
  const kept = new Map<string, Catalogue>();
  const keep = (catalogue: Catalogue): Catalogue => {
    kept.delete(catalogue.version);
    kept.set(catalogue.version, catalogue);
    for (const version of [...kept.keys()].slice(0, Math.max(0, kept.size - KEPT))) kept.delete(version);
    return catalogue;
  };
  return {
    active: async () => {
      const active = await record.activeCatalogue();
      if (active === null)
        throw new Error("no catalogue is active yet: start `selfheal serve` with its --config folder");
      return kept.get(active.version) ?? keep(catalogueFromContent(active.content, active.version, actions));
    },
    version: async (version) => {
      const known = kept.get(version);
      if (known !== undefined) return known;
      const content = await record.catalogue(version);
      if (content === null) throw new Error(`the record has no catalogue ${version}`);
      return keep(catalogueFromContent(content, version, actions));
    },
  };
}
