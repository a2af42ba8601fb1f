/** What Temporal says about the workflows of a record, and which run besides. */
import type { RecordSnapshot } from "../../record/snapshot.ts";
import type { SeenRun } from "../../starters/runs.ts";
import type { TemporalView } from "../../watchers/sweep-temporal.ts";
import type { TemporalFacts } from "./facts.ts";

const MOST_RUNNING = 10_000;
/** Descriptions asked for at once. */
const AT_ONCE = 10;

/** Rejects when Temporal does not answer. */
export async function readTemporal(view: TemporalView, record: RecordSnapshot): Promise<TemporalFacts> {
  const ids = [...new Set(record.remediations.map(({ workflowId }) => workflowId))];
  const workflows = new Map<string, SeenRun>();
  const describeNext = async (): Promise<void> => {
    for (let id = ids.pop(); id !== undefined; id = ids.pop()) workflows.set(id, await view.workflow(id));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, describeNext));
  const listed = (await view.running(MOST_RUNNING)).workflows;
  // The lists lag behind: a description of the workflow itself knows better.
  const running = listed.filter(({ workflowId }) => (workflows.get(workflowId)?.state ?? "running") === "running");
  return { workflows, running };
}
