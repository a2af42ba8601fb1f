/** What can be killed of the stack on this machine. */
import type { SnapshotReader } from "../../record/snapshot.ts";
import type { Service } from "../process/kept-service.ts";
import type { Stack } from "../process/stack.ts";
import type { RemediationApi } from "../remediation-api.ts";
import type { Killable } from "./chaos.ts";

/** Worker and API always; Temporal and database when they are ours. */
export function killablesOf(
  stack: Pick<Stack, "worker" | "serve" | "temporal" | "database">,
  record: Pick<SnapshotReader, "lastEntryAt">,
  api: Pick<RemediationApi, "list">,
): Killable[] {
  // Somebody's story went on.
  const recordGrows = async (sinceMs: number): Promise<boolean> => ((await record.lastEntryAt()) ?? 0) > sinceMs;
  const apiAnswers = async (): Promise<boolean> => (await api.list({ limit: "1" }), true);
  const all: [name: string, service: Service | null, worksSince: Killable["worksSince"]][] = [
    ["worker", stack.worker, recordGrows],
    ["API", stack.serve, apiAnswers],
    ["Temporal", stack.temporal, recordGrows],
    ["database", stack.database, recordGrows],
  ];
  return all.flatMap(([name, service, worksSince]) => (service === null ? [] : [killable(name, service, worksSince)]));
}

function killable(name: string, service: Service, worksSince: Killable["worksSince"]): Killable {
  return {
    name,
    get pid() {
      return service.pid;
    },
    kill: () => service.kill(),
    worksSince,
  };
}
