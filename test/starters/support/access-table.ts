/** Who may ask for what, written down a second time: a row whose role changes must change here too. */
import type { Role } from "../../../src/contracts/roles.ts";
import type { AnyOperation } from "../../../src/starters/http/operation.ts";

interface Access {
  role: Role;
  by?: true;
  everywhere?: true;
}

const READ: Access = { role: "viewer" };
const READ_ALL: Access = { role: "viewer", everywhere: true };
const OPERATE: Access = { role: "operator", by: true };
const APPROVE: Access = { role: "approver", by: true };
const ADMINISTER: Access = { role: "admin", by: true };
const ADMINISTER_ALL: Access = { role: "admin", by: true, everywhere: true };

const REMEDIATION = "/v1/remediations/{id}";

export const EXPECTED: Record<string, Access | "public" | "signed" | "source"> = {
  "GET /healthz": "public",
  "GET /readyz": "public",
  "GET /metrics": "public",
  "GET /docs": "public",
  "GET /openapi.json": "public",
  "POST /v1/alerts": "source",
  "POST /v1/alerts/alertmanager": "source",
  "POST /v1/events/tickets/request-tracker": "source",
  "POST /v1/events/tickets/jira": "source",
  "POST /v1/chat/slack": "signed",

  "GET /v1/whoami": READ,
  "GET /v1/tokens": { role: "admin", everywhere: true },
  "POST /v1/tokens": ADMINISTER_ALL,
  "POST /v1/tokens/revoke": ADMINISTER_ALL,

  "GET /v1/alerts": READ,
  "GET /v1/events": READ,
  "GET /v1/remediations": READ,
  "POST /v1/remediations": OPERATE,
  [`GET ${REMEDIATION}`]: READ,
  [`GET ${REMEDIATION}/story`]: READ,
  [`GET ${REMEDIATION}/verdicts`]: READ,
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
  "GET /remediations/{id}": READ,
  "POST /remediations/{id}/confirm": APPROVE,
  "POST /remediations/{id}/decide": APPROVE,

  "GET /v1/report": READ_ALL,
  "GET /v1/audit": READ_ALL,
  "GET /v1/postmortems/{id}": READ,

  "POST /v1/explain": READ,
  "GET /v1/catalogue": READ_ALL,
  "GET /v1/queue": READ,
  "GET /v1/leases": READ,
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

export function nameOf({ method, path }: AnyOperation): string {
  return `${method.toUpperCase()} ${path}`;
}
