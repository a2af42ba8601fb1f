/**
 * On whose behalf the record is written now, and which way that came. It travels beside the call: whoever lets requests in
 * says it once, for everything that the request does, so that no writer can forget it.
 */
import { AsyncLocalStorage } from "node:async_hooks";

/**
 * `selfheal`: nobody asked, the product decided it (a breaker, a pause after a failure). `file`: the configuration folder.
 * `page`: the page of a remediation. `signal`: a message of Temporal (its Web UI or CLI). `schedule`: a run that a Temporal
 * Schedule started.
 */
export type Way = "api" | "cli" | "page" | "chat" | "signal" | "file" | "schedule" | "selfheal";

export interface Actor {
  via: Way;
  /**
   * Who it was proven to be: `token:<name>`, `oidc:<issuer>#<sub>`, `slack:<team>/<user>`, `shared-token`, `database`
   * (whoever may write the record by hand); null: nobody was asked.
   */
  identity: string | null;
}

/** `identity` left out: nobody acts, it only came this way. */
const origins = new AsyncLocalStorage<Pick<Actor, "via"> & Partial<Actor>>();

/** Everything that `work` changes came this way. The innermost one counts. */
export function throughWay<T>(via: Way, work: () => T): T {
  return origins.run({ ...origins.getStore(), via }, work);
}

/** Everything that `work` changes is done by this one, who came the way that it came. */
export function actingAs<T>(identity: string | null, work: () => T): T {
  return origins.run({ via: wayNow(), identity }, work);
}

export function wayNow(): Way {
  return origins.getStore()?.via ?? "selfheal";
}

/** Null: nobody acts (a worker, a sweeper). */
export function currentActor(): Actor | null {
  const { via, identity } = origins.getStore() ?? {};
  return via === undefined || identity === undefined ? null : { via, identity };
}
