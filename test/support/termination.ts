/** The end of a workflow by hand, and what the sweeper does about it. */
import type { Rig } from "./rig.ts";

/** Not in the middle of an activity: this server's time would stand still for ever. */
export async function terminate(rig: Rig): Promise<void> {
  await rig.soon("it stands still", async () => {
    const { raw } = await rig.handle("web-1").describe();
    if ((raw.pendingActivities ?? []).length > 0) return false;
    const { events } = await rig.handle("web-1").fetchHistory();
    const last = events?.at(-1);
    return !(last?.workflowTaskScheduledEventAttributes ?? last?.workflowTaskStartedEventAttributes);
  });
  await rig.handle("web-1").terminate("somebody did that");
}

/** As the sweeper does it once Temporal says that the workflow has ended. */
export async function recover(rig: Rig, by?: string): Promise<void> {
  const { remediationId, target } = (await rig.story("web-1")).remediation;
  await rig.remediations.recover(target, { remediationId, ...(by === undefined ? {} : { by }) });
}
