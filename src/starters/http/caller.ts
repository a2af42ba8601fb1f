/** Who asks, once it is known; what he may reach with the role that the route needs. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Grant } from "../../contracts/roles.ts";

export interface Caller {
  /** `by` of all that he does; null: nobody was asked who he is, and `by` is his word. */
  subject: string | null;
  /** As in Actor: `token:<name>`, `oidc:<issuer>#<sub>`, `shared-token`, or null. */
  identity: string | null;
  grants: readonly Grant[];
}

/** Of everybody, where nobody is asked who he is. */
export const NOBODY: Caller = {
  subject: null,
  identity: null,
  grants: [
    { role: "admin", groups: null },
    { role: "approver", groups: null },
  ],
};

const reaches = new AsyncLocalStorage<readonly string[] | null>();

/** What `work` reads and does is confined to these groups; null: to none. */
export function confinedTo<T>(groups: readonly string[] | null, work: () => T): T {
  return reaches.run(groups, work);
}

export function confinedGroups(): readonly string[] | null {
  return reaches.getStore() ?? null;
}
