import { catalogueFromContent, type Actions, type Catalogue } from "../catalogue/catalogue.ts";
import type { RecordStore } from "../record/api.ts";
import type { Catalogues } from "./dependencies.ts";

/** A pinned version stays what it is, so it is parsed once; the few that are in use fit. */
const KEPT = 8;

/**
 * Catalogue versions of the record, by hash. Rejects while none was activated: the caller tries again. `loaded`: one that
 * this process has anyhow, so that it is not read back.
 */
export function catalogues(
  record: Pick<RecordStore, "activeVersion" | "catalogue">,
  actions: Actions,
  loaded?: () => Catalogue,
): Catalogues {
  const kept = new Map<string, Promise<Catalogue>>();
  // Whoever asks while it is read waits for the same reading: after an edit all remediations ask at once.
  const version = (wanted: string): Promise<Catalogue> => {
    const catalogue = kept.get(wanted) ?? read(wanted);
    kept.delete(wanted);
    kept.set(wanted, catalogue);
    for (const oldest of [...kept.keys()].slice(0, Math.max(0, kept.size - KEPT))) kept.delete(oldest);
    catalogue.catch(() => {
      if (kept.get(wanted) === catalogue) kept.delete(wanted);
    });
    return catalogue;
  };
  const read = async (wanted: string): Promise<Catalogue> => {
    const own = loaded?.();
    if (own?.version === wanted) return own;
    const content = await record.catalogue(wanted);
    if (content === null) throw new Error(`the record has no catalogue ${wanted}`);
    return catalogueFromContent(content, wanted, actions);
  };
  return {
    active: async () => {
      const active = await record.activeVersion();
      if (active === null)
        throw new Error("no catalogue is active yet: start `selfheal serve` with its --config folder");
      return version(active);
    },
    version,
  };
}
