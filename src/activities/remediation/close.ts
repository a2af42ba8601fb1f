import type { CloseReply, CloseRequest, NotifyRequest } from "../../contracts/activities.ts";
import type { Severity } from "../../contracts/alert.ts";
import type { EscalationRoute } from "../../contracts/plan.ts";
import { windowOver } from "./quiet.ts";
import { isRecordConflict, type ActivityDependencies } from "../dependencies.ts";

/** Tells people, once for each key: recorded first, so that what was not sent is known. In a window, at its end. */
export async function notify(deps: ActivityDependencies, request: NotifyRequest): Promise<void> {
  const { remediationId, key, title, text } = request;
  const route = routeOf(request.route, request.severity);
  try {
    await deps.record.escalation({ remediationId, key, route, summary: `${title}: ${text}` });
  } catch (error) {
    // It failed before it was opened; people are told all the same.
    if (!isRecordConflict(error)) throw error;
    await deps.ports.notify.send({ key: `${remediationId}/${key}`, route, title, text, remediationId });
    return;
  }
  const window = request.key === "end" && route !== "message" ? await windowOver(deps, remediationId) : null;
  if (window !== null) {
    await deps.record.holdEscalation(remediationId, key, window.until, window.id);
    return;
  }
  deps.faultPoint?.("notify.recorded");
  try {
    await deps.ports.notify.send({ key: `${remediationId}/${key}`, route, title, text, remediationId });
  } catch (error) {
    await deps.record.escalationSent(remediationId, key, error instanceof Error ? error.message : "not sent");
    throw error;
  }
  deps.faultPoint?.("notify.sent");
  await deps.record.escalationSent(remediationId, key, null);
}

/** As `notify`, but nothing at all when the record has this escalation already: the sweeper sends what was not sent. */
export async function notifyOnce(deps: ActivityDependencies, request: NotifyRequest): Promise<void> {
  const { remediationId, key, title, text } = request;
  const route = routeOf(request.route, request.severity);
  if (await deps.record.escalation({ remediationId, key, route, summary: `${title}: ${text}` })) {
    await notify(deps, request);
  }
}

function routeOf(route: EscalationRoute, severity: Severity): "page" | "ticket" | "message" {
  if (route !== "bySeverity") return route;
  return severity === "critical" ? "page" : severity === "warning" ? "ticket" : "message";
}

/** Closes the episode and wakes who waited for its leases. */
export async function closeRemediation(deps: ActivityDependencies, request: CloseRequest): Promise<CloseReply> {
  try {
    const { auditHead, gaveBack } = await deps.record.close(request);
    deps.faultPoint?.("close.closed");
    if (gaveBack) await hintWaiters(deps);
    return { auditHead };
  } catch (error) {
    if (!isRecordConflict(error)) throw error;
    // It failed before it was opened. Trying for ever would only hold up the target's next alert.
    deps.log.error({ ...request, err: error }, "a remediation that the record does not know was closed");
    return { auditHead: "" };
  }
}

const WAITERS_AT_ONCE = 20;

/** A lost hint is made good by the watcher. */
async function hintWaiters(deps: ActivityDependencies): Promise<void> {
  const waiters = await deps.record.admissibleWaiters(WAITERS_AT_ONCE);
  for (const { workflowId, remediationId } of waiters) await deps.hint(workflowId, `${remediationId}/queue`);
}
