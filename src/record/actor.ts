/**
 * On whose behalf the record is written now. It travels beside the call, so that whatever is written on the way says who
 * asked and how he came, and no writer can forget it. Without one (a worker, a sweeper) nothing is added.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Way } from "./way.ts";

export interface Actor {
  via: Way;
  /**
   * Who it was proven to be: `token:<name>`, `oidc:<issuer>#<sub>`, `shared-token`, `database` (whoever may write the
   * record by hand); null: nobody was asked.
   */
  identity: string | null;
}

const actors = new AsyncLocalStorage<Actor>();

export function actingAs<T>(actor: Actor, work: () => T): T {
  return actors.run(actor, work);
}

export function currentActor(): Actor | null {
  return actors.getStore() ?? null;
}
