import type { CloseReply, CloseRequest, NotifyRequest } from "../../contracts/activities.ts";
import type { Route } from "../../contracts/route.ts";
import type { Message } from "../../ports/ports.ts";
import type { EscalationStands } from "../../record/api.ts";
import { windowOver } from "./quiet.ts";
import { isRecordConflict, type ActivityDependencies } from "../dependencies.ts";

/** Tells people, once for each key: recorded first, so that what was not sent is known. In a window, at its end. */
export async function notify(deps: ActivityDependencies, request: NotifyRequest): Promise<void> {
  let stands: EscalationStands;
  try {
    stands = await recorded(deps, request);
  } catch (error) {
    // It failed before it was opened, or the record is away: people are told all the same.
    const { remediationId, key } = request;
    deps.log.warn({ remediationId, key, err: error }, "people are told what could not be written down");
    await deps.ports.notify.send(messageOf(request));
    return;
  }
  if (stands !== "sent") await send(deps, request, stands);
}

/** As `notify`, but nothing at all when the record has this escalation already: the sweeper sends what was not sent. */
export async function notifyOnce(deps: ActivityDependencies, request: NotifyRequest): Promise<void> {
  const stands = await recorded(deps, request);
  if (stands === "new") await send(deps, request, stands);
}

function recorded({ record }: ActivityDependencies, request: NotifyRequest): Promise<EscalationStands> {
  const { remediationId, key, title, text } = request;
  return record.escalation({ remediationId, key, route: routeOf(request), summary: `${title}: ${text}` });
}

function messageOf(request: NotifyRequest): Message {
  const { remediationId, key, title, text } = request;
  return { key: `${remediationId}/${key}`, route: routeOf(request), title, text, remediationId };
}

async function send(deps: ActivityDependencies, request: NotifyRequest, stands: EscalationStands): Promise<void> {
  const { remediationId, key } = request;
  const message = messageOf(request);
  const mayWait = ["end", "settled"].includes(key) && message.route !== "message";
  const window = mayWait ? await windowOver(deps, remediationId) : null;
  if (window !== null) {
    await deps.record.holdEscalation(remediationId, key, window.until, window.id);
    return;
  }
  deps.faultPoint?.("notify.recorded");
  try {
    await deps.ports.notify.send({ ...message, again: stands === "unsent" });
  } catch (error) {
    await deps.record.escalationSent(remediationId, key, error instanceof Error ? error.message : "not sent");
    throw error;
  }
  deps.faultPoint?.("notify.sent");
  await deps.record.escalationSent(remediationId, key, null);
}

function routeOf({ route, severity }: NotifyRequest): Route {
  if (route !== "bySeverity") return route;
  return severity === "critical" ? "page" : severity === "warning" ? "ticket" : "message";
}

/** Closes the episode and wakes who waited for its leases. */
export async function closeRemediation(deps: ActivityDependencies, request: CloseRequest): Promise<CloseReply> {
  try {
    const { auditHead, gaveBack, unsettled } = await deps.record.close(request);
    if (unsettled !== undefined) return { auditHead, unsettled };
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
