/** Which leases of other systems are on a target, by any of its names. */
import { leaseId } from "../contracts/outside.ts";
import type { ReadLease } from "../contracts/surroundings.ts";
import type { TargetRef } from "../contracts/target.ts";
import type { ForeignLease } from "../ports/ports.ts";
import { normaliseName, type Inventory } from "./identity.ts";

/** Our own, as we publish them, are none of another system. */
export const OWN_HOLDER = "selfheal";

export function leasesOn(
  { byName, domains }: Pick<Inventory, "byName" | "domains">,
  { kind, id }: TargetRef,
  leases: readonly ForeignLease[],
): ReadLease[] {
  return leases
    .filter(({ target, holder }) => holder !== OWN_HOLDER && target.kind === kind)
    .filter(({ target }) => target.id === id || byName.get(kind)?.get(normaliseName(target.id, domains))?.id === id)
    .map(({ target, holder, reason, until }) => ({ id: leaseId(target, holder), holder, reason, until }));
}
