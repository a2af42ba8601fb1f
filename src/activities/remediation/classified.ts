import type { Catalogue } from "../../catalogue/catalogue.ts";
import { classify, type Classification } from "../../catalogue/classify.ts";
import type { Alert } from "../../contracts/alert.ts";

const known = new WeakMap<Catalogue, WeakMap<Alert, Classification>>();

/** `classify`, once for the stages of one call: neither a version of the catalogue nor a received alert ever changes. */
export function classifiedBy(catalogue: Catalogue, alert: Alert): Classification {
  const ofCatalogue = known.get(catalogue) ?? new WeakMap<Alert, Classification>();
  known.set(catalogue, ofCatalogue);
  const classified = ofCatalogue.get(alert) ?? classify(catalogue, alert);
  ofCatalogue.set(alert, classified);
  return classified;
}
