/** The committed histories: one for each path through the remediation workflow, with what each must contain. */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { gunzipSync, gzipSync } from "node:zlib";
import { historyFromJSON, historyToJSON } from "@temporalio/common/lib/proto-utils.js";
import { projectPath } from "../../src/config/project.ts";

export type History = Awaited<ReturnType<typeof historyFromJSON>>;

const FOLDER = "test/replay/histories";

/** Every path that must be in the corpus, with the activities that only it, or it among few, has. */
export const PATHS: Record<string, { workflowId: string; activities: string[] }> = {
  observed: { workflowId: "heal:host:web-1", activities: ["remediation.assess"] },
  healed: { workflowId: "heal:host:web-1", activities: ["provisioner.rebuild", "loadbalancer.drain.finishHealthy"] },
  recovered: { workflowId: "heal:host:web-1", activities: ["remediation.confirm", "remediation.close"] },
  approved: { workflowId: "heal:host:web-1", activities: ["remediation.decision", "provisioner.rebuild"] },
  rejected: { workflowId: "heal:host:web-1", activities: ["remediation.decision"] },
  expired: { workflowId: "heal:host:web-1", activities: ["remediation.notify"] },
  refused: {
    workflowId: "heal:host:db-1",
    activities: ["remediation.assess", "remediation.notify", "remediation.close"],
  },
  undone: { workflowId: "heal:host:web-1", activities: ["ticket.open.undo", "loadbalancer.drain.undo"] },
  keptDrained: { workflowId: "heal:host:web-1", activities: ["provisioner.rebuild", "ticket.open.finishOtherwise"] },
  cancelled: { workflowId: "heal:host:web-1", activities: ["loadbalancer.drain.undo"] },
  takenOver: { workflowId: "heal:host:web-1", activities: ["remediation.command", "remediation.held"] },
  settled: {
    workflowId: "heal:host:web-1",
    activities: ["remediation.unclosed", "ticket.open.undo", "remediation.close"],
  },
  replyLost: { workflowId: "heal:host:web-1", activities: ["ticket.open", "provisioner.rebuild"] },
};

export async function names(): Promise<string[]> {
  const files = await readdir(projectPath(FOLDER));
  return files
    .filter((file) => file.endsWith(".json.gz"))
    .map((file) => file.replace(/\.json\.gz$/, ""))
    .sort();
}

export async function load(name: string): Promise<History> {
  const packed = await readFile(projectPath(`${FOLDER}/${name}.json.gz`));
  return historyFromJSON(JSON.parse(gunzipSync(packed).toString()));
}

export async function save(name: string, history: History): Promise<void> {
  const json = historyToJSON(history);
  await writeFile(projectPath(`${FOLDER}/${name}.json.gz`), gzipSync(json, { level: 9 }));
}

/** The activity types of a history, in the order of their scheduling. */
export function activitiesOf(history: History): string[] {
  return (history.events ?? []).flatMap(
    (event) => event.activityTaskScheduledEventAttributes?.activityType?.name ?? [],
  );
}
