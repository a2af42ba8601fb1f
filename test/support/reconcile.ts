/**
 * Record, Temporal and the lab's world held against each other after everything has settled: what `demo --chaos` asks,
 * and what only a test knows. Answers what is wrong, in sentences; nothing when nothing is lost, doubled or left behind.
 */
import { readFacts } from "../../src/cli/reconcile/read.ts";
import { reconcile as compare } from "../../src/cli/reconcile/reconcile.ts";
import { violations } from "../../src/lab/invariants.ts";
import type { World } from "../../src/lab/world.ts";
import { openSnapshots, type RecordSnapshot } from "../../src/record/snapshot.ts";
import { temporalView } from "../../src/watchers/sweep-temporal.ts";
import type { Live } from "./live.ts";

/** `faulty`: the hosts whose disk failed and whose alert was accepted; each must have led to one remediation. */
export async function reconcile({ stack, lab, client, configFolder }: Live, faulty: string[]): Promise<string[]> {
  const record = openSnapshots(stack.databaseUrl);
  try {
    const temporal = temporalView(client, stack.urls.temporal);
    const facts = await readFacts({ record, temporal, world: lab.world, configFolder });
    const wrong = compare(facts).checks.flatMap(({ check, exceptions }) =>
      // A silence ends with its remediation, whoever has the host now.
      exceptions.filter(({ kind }) => kind !== "person" || check === "silences"),
    );
    return [
      ...violations(lab.world),
      ...onceEach(facts.record, faulty),
      ...doneTwice(lab.world),
      ...wrong.map(({ kind, about, sentence }) => `${kind}: ${about}: ${sentence}`),
    ];
  } finally {
    await record.end();
  }
}

function onceEach({ remediations }: RecordSnapshot, faulty: string[]): string[] {
  const byTarget = Map.groupBy(remediations, ({ target }) => target.id);
  const wrong = faulty.filter((host) => byTarget.get(host)?.length !== 1);
  return [
    ...wrong.map((host) => `${host} had ${byTarget.get(host)?.length ?? 0} remediations for its one fault`),
    ...[...byTarget.keys()].filter((id) => !faulty.includes(id)).map((id) => `${id} had a remediation without a fault`),
  ];
}

/** A host has one fault here: whatever keys its effects have, its disk is swapped and it is installed once. */
function doneTwice({ log }: World): string[] {
  return ["rebuild-started", "disk-swapped"].flatMap((what) => {
    const times = Map.groupBy(
      log.filter((entry) => entry.what === what),
      ({ host }) => host,
    );
    return [...times].filter(([, all]) => all.length > 1).map(([host, all]) => `${host}: ${what} ${all.length} times`);
  });
}
