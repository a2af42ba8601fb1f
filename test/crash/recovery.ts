/** How long each kind of death held its remediation up: from the kill to the next thing that the record or Temporal saw. */
import { workflowId } from "../../src/contracts/ids.ts";
import type { Storm, Victim } from "./storm.ts";

export interface Recovery {
  victim: Victim;
  /** Milliseconds from the SIGKILL to the next progress of that remediation. */
  ms: number;
}

export async function recoveries(storm: Storm): Promise<Recovery[]> {
  const struck = await storm.struck();
  const all = await Promise.all(
    storm.victims.map(async (victim) => {
      const at = struck.get(victim.file);
      return at === undefined ? null : { victim, ms: (await nextProgress(storm, victim, at)) - at };
    }),
  );
  return all.filter((one) => one !== null);
}

/** Wall ms. Who died after the last word of the record goes on with the end of its workflow. */
async function nextProgress({ live }: Storm, { host }: Victim, at: number): Promise<number> {
  const { audit } = await live.api.story(host);
  const next = audit.map((row) => Date.parse(row.at)).filter((time) => time > at);
  if (next.length > 0) return Math.min(...next);
  const { closeTime } = await live.client.workflow.getHandle(workflowId({ kind: "host", id: host })).describe();
  return closeTime?.getTime() ?? Infinity;
}

/** A line for each kind of place: how many, the median and the longest, in seconds. */
export function recoveryTable(all: Recovery[]): string {
  const kinds = Map.groupBy(all, ({ victim }) => kindOf(victim));
  const lines = [...kinds].map(([kind, of]) => {
    const sorted = of.map(({ ms }) => ms / 1_000).sort((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
    const cells = [kind.padEnd(34), String(of.length).padStart(3), median.toFixed(1), (sorted.at(-1) ?? 0).toFixed(1)];
    return cells.map((cell, index) => (index > 1 ? cell.padStart(8) : cell)).join(" ");
  });
  const head = `${"killed at".padEnd(34)} ${"n".padStart(3)} ${"median s".padStart(8)} ${"longest".padStart(8)}`;
  return [head, ...lines.sort()].join("\n");
}

function kindOf({ row: { point, process } }: Victim): string {
  const effect = /^effect\.\w+\.(begun|intended|applied|seen|settled)$/.exec(point)?.[1];
  if (effect !== undefined) return `worker: effect ${effect}`;
  const [first = ""] = point.split(".");
  return `${process}: ${["remediation", "notify", "close", "open"].includes(first) ? "stage's activity" : first}`;
}
