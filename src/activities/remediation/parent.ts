/** The one remediation of a parent whose targets are unhealthy together. */
import { classify } from "../../catalogue/classify.ts";
import type { Alert } from "../../contracts/alert.ts";
import { faultKey } from "../../contracts/ids.ts";
import type { ActivityDependencies } from "../dependencies.ts";

/** Its alert lies in the outbox: what does not go out now, the sweeper sends. Twice is once, because it is one fault. */
export async function startParent(deps: ActivityDependencies, alert: Alert): Promise<void> {
  try {
    const classified = classify(await deps.catalogues.active(), alert);
    if (classified.kind !== "matched") return;
    const { kind, id } = classified.target;
    await deps.reroute({ kind, id }, [alert], classified.joinKey);
    await deps.record.markDelivered([{ faultKey: faultKey(alert), status: alert.status }]);
  } catch (error) {
    deps.log.error({ faultKey: faultKey(alert), err: error }, "the remediation of a parent could not be started yet");
  }
}
