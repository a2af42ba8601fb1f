import { classify } from "../catalogue/classify.ts";
import type { Catalogue } from "../catalogue/catalogue.ts";
import { Unavailable } from "./problems.ts";
import type { Classify } from "./route.ts";

/** What `startServer` and `createIngest` need of the catalogue that is active now; null while none is loaded. */
export function classifyWith(active: () => Catalogue | null): {
  classify: Classify;
  catalogueVersion: () => string | null;
} {
  return {
    classify: (alert) => {
      const catalogue = active();
      if (catalogue === null) throw new Unavailable("catalogue", "no catalogue is loaded");
      return classify(catalogue, alert);
    },
    catalogueVersion: () => active()?.version ?? null,
  };
}
