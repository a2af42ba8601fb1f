import type { CloseReply, CloseRequest, NotifyRequest } from "../../contracts/activities.ts";
import type { Severity } from "../../contracts/alert.ts";
import type { EscalationRoute } from "../../contracts/plan.ts";
import type { ActivityDependencies } from "../dependencies.ts";

/** Tells people, once for each key: recorded first, so that what was not sent is known. */
export async function notify(deps: ActivityDependencies, request: NotifyRequest): Promise<void> {
  const { remediationId, key, title, text } = request;
  const route = routeOf(request.route, request.severity);
  await deps.record.escalation({ remediationId, key, route, summary: `${title}: ${text}` });
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
  // Law 2: what was started and is not settled keeps its leases until somebody settles it.
  const unsettled = story?.effects.filter((effect) => effect.state === "intent" || effect.state === "unknown") ?? [];
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
