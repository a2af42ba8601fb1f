/** The one table of who may ask for what: every route stands here, or the API does not start. */
import type { Role } from "../../contracts/roles.ts";
import { SOURCES } from "../sources/index.ts";

export interface Access {
  role: Role;
  /** The body names its author: that is the caller, whatever the body says. */
  by?: true;
  /** It is about all groups at once: a caller whose role is confined to some is refused. */
  everywhere?: true;
}

/** `open`: to everybody. `source`: to alert sources, by their own token or signature. */
export type RouteAccess = Access | "open" | "source";

const READ: Access = { role: "viewer" };
const READ_ALL: Access = { role: "viewer", everywhere: true };
const OPERATE: Access = { role: "operator", by: true };
const APPROVE: Access = { role: "approver", by: true };
const ADMINISTER: Access = { role: "admin", by: true };
const ADMINISTER_ALL: Access = { role: "admin", by: true, everywhere: true };

const REMEDIATION = "/v1/remediations/:id";

export const ACCESS: Readonly<Record<string, RouteAccess>> = {
  "GET /healthz": "open",
  "GET /readyz": "open",
  "GET /metrics": "open",
  ...Object.fromEntries(SOURCES.map(({ name }) => [`POST /v1/alerts/${name}`, "source" as const])),

  "GET /v1/whoami": READ,
  "GET /v1/tokens": { role: "admin", everywhere: true },
  "POST /v1/tokens": ADMINISTER_ALL,
  "POST /v1/tokens/revoke": ADMINISTER_ALL,

  "GET /v1/remediations": READ,
  "POST /v1/remediations": OPERATE,
  [`GET ${REMEDIATION}`]: READ,
  "GET /v1/remediations/:kind/:id": READ,
  [`POST ${REMEDIATION}/approve`]: APPROVE,
  [`POST ${REMEDIATION}/reject`]: APPROVE,
  [`POST ${REMEDIATION}/withdraw`]: APPROVE,
  // The role that the decision itself needs is asked for besides.
  [`POST ${REMEDIATION}/token`]: { role: "viewer", by: true },
  ...Object.fromEntries(
    ["cancel", "take", "retry", "skip", "mark-done", "release", "end", "review", "recover", "release-leases"].map(
      (what) => [`POST ${REMEDIATION}/${what}`, OPERATE],
    ),
  ),

  "GET /v1/report": READ_ALL,
  "GET /v1/postmortems/:id": READ,
  "GET /v1/postmortems/:kind/:id": READ,

  "POST /v1/explain": READ,
  "GET /v1/catalogue": READ_ALL,
  "GET /v1/queue": READ,
  "GET /v1/pauses": READ,
  "POST /v1/pauses": OPERATE,
  "POST /v1/pauses/resume": OPERATE,
  "GET /v1/breakers": READ,
  "POST /v1/breakers/reset": ADMINISTER,
  "GET /v1/left-out": READ,
  "POST /v1/left-out/back": OPERATE,
  "GET /v1/windows": READ,
  "POST /v1/windows": OPERATE,
  "POST /v1/windows/close": OPERATE,
  "GET /v1/holds": READ,
  "PUT /v1/holds": { role: "operator" },
  "POST /v1/holds/release": OPERATE,

  "GET /v1/modes": READ_ALL,
  "POST /v1/modes": ADMINISTER,
  "GET /v1/modes/evidence": READ_ALL,
  "GET /v1/modes/gate": READ_ALL,
  "POST /v1/modes/promote": ADMINISTER,
  "POST /v1/modes/attestations": { role: "operator", by: true, everywhere: true },
  "GET /v1/approvals/standing": READ,
  "POST /v1/approvals/standing": ADMINISTER,
  "POST /v1/approvals/standing/withdraw": ADMINISTER,
};

interface Route {
  method: string;
  path: string;
}

/** `GET /v1/queue`; null for what is no route: a middleware. */
export function nameOfRoute({ method, path }: Route): string | null {
  return method === "ALL" ? null : `${method} ${path}`;
}

/** Throws for a route that nobody has said a role for. */
export function requireAccess(routes: readonly Route[]): void {
  const bare = routes.map(nameOfRoute).filter((name) => name !== null && ACCESS[name] === undefined);
  if (bare.length > 0) throw new Error(`src/starters/http/access.ts says no role for ${[...new Set(bare)].join(", ")}`);
}
