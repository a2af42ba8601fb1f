import type { CloseReply, CloseRequest, NotifyRequest } from "../../contracts/activities.ts";
import type { Severity } from "../../contracts/alert.ts";
import type { EscalationRoute } from "../../contracts/plan.ts";
import { isRecordConflict, type ActivityDependencies } from "../dependencies.ts";
import { isUnsettled } from "../effects.ts";

/** Tells people, once for each key: recorded first, so that what was not sent is known. */
export async function notify(deps: ActivityDependencies, request: NotifyRequest): Promise<void> {
  const { remediationId, key, title, text } = request;
  const route = routeOf(request.route, request.severity);
  try {
    await deps.record.escalation({ remediationId, key, route, summary: `${title}: ${text}` });
  } catch (error) {
    // It failed before it was opened; people are told all the same.
    if (!isRecordConflict(error)) throw error;
    await deps.ports.notify.send({ key: `${remediationId}/${key}`, route, title, text });
    return;
  }
  try {
    await deps.ports.notify.send({ key: `${remediationId}/${key}`, route, title, text });
  } catch (error) {
    await deps.record.escalationSent(remediationId, key, error instanceof Error ? error.message : "not sent");
    throw error;
  }
  await deps.record.escalationSent(remediationId, key, null);
}

function routeOf(route: EscalationRoute, severity: Severity): "page" | "ticket" | "message" {
  if (route !== "bySeverity") return route;
  return severity === "critical" ? "page" : severity === "warning" ? "ticket" : "message";
}

/** Closes the episode and wakes who waited for its leases. */
export async function closeRemediation(deps: ActivityDependencies, request: CloseRequest): Promise<CloseReply> {
  const story = await deps.record.story(request.remediationId);
  if (story === null) {
    // It failed before it was opened. Trying for ever would only hold up the target's next alert.
    deps.log.error({ ...request }, "a remediation that the record does not know was closed");
    return { auditHead: "" };
  }
  // Law 2: what was started and is not settled keeps its leases until somebody settles it.
  const unsettled = story.effects.filter(isUnsettled);
  const closed = await deps.record.close({ ...request, keepLeases: unsettled.length > 0 });
  await hintWaiters(deps);
  return closed;
}

const WAITERS_AT_ONCE = 20;

/** A lost hint is made good by the watcher. */
async function hintWaiters(deps: ActivityDependencies): Promise<void> {
  const waiters = await deps.record.admissibleWaiters(WAITERS_AT_ONCE);
  for (const { workflowId, remediationId } of waiters) await deps.hint(workflowId, `${remediationId}/queue`);
}
