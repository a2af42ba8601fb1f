/**
 * The crash-window matrix: where a process dies by SIGKILL, and what must come of it. One host a row; each row dies once,
 * and all of them suffer from each death. test/crash/table.test.ts compares it with the code.
 */
import type { FaultPoint } from "../../src/contracts/fault-points.ts";

/** What the host goes through; `ENDS` says how that ends. */
export type Scenario =
  /** The flagship, with a standing approval. */
  | "heals"
  /** No standing approval: a person approves over the API, and tries again when it dies. */
  | "approved"
  /** Nobody comes for the ticket and a person cancels: before the point of no return all is taken back. */
  | "cancelled"
  /** The technician is done and the disk is the old one: after the point of no return it stays out of service. */
  | "notReplaced"
  /** The sender dies with the API and never repeats the alert: the sweeper delivers it. */
  | "forgotten"
  /** Its alert comes to the workflow of another name of the host. */
  | "misrouted"
  /** A person takes it over while its ticket is open, and releases it. */
  | "taken"
  /** Its workflow is terminated while its ticket is open, and a person has it recovered. */
  | "terminated";

export const ENDS: Record<Scenario, { outcome: string; needsHuman: boolean; inService: boolean }> = {
  heals: { outcome: "healed", needsHuman: false, inService: true },
  approved: { outcome: "healed", needsHuman: false, inService: true },
  cancelled: { outcome: "cancelled", needsHuman: false, inService: true },
  notReplaced: { outcome: "escalated", needsHuman: true, inService: false },
  forgotten: { outcome: "healed", needsHuman: false, inService: true },
  misrouted: { outcome: "healed", needsHuman: false, inService: true },
  taken: { outcome: "healed", needsHuman: false, inService: true },
  terminated: { outcome: "escalated", needsHuman: true, inService: true },
};

export interface CrashRow {
  point: FaultPoint;
  /** The action of an effect, the code of a finding: tells places apart that share a point. */
  about?: string;
  process: "serve" | "worker";
  scenario: Scenario;
  why: string;
}

type Column = readonly [point: FaultPoint, why: string];

function rows(
  process: CrashRow["process"],
  scenario: Scenario,
  columns: readonly Column[],
  about?: string,
): CrashRow[] {
  return columns.map(([point, why]) => ({
    point,
    process,
    scenario,
    why,
    ...(about === undefined ? {} : { about }),
  }));
}

const again = "Temporal gives the activity out again; it is safe to repeat";
const repeated = "it is done twice, and the second time changes nothing in the record";

/** The same five boundaries for each direction and, to apply, for each kind of effect. */
function effects(direction: "apply" | "undo" | "finishHealthy" | "finishOtherwise"): Column[] {
  return [
    [`effect.${direction}.begun`, "no intent: reading back says that nothing was sent, so it is sent now"],
    [`effect.${direction}.intended`, "an intent and no effect: once a lost request is too old, the same key again"],
    [`effect.${direction}.applied`, "it happened and nobody knows: reading back by its key finds it"],
    [`effect.${direction}.seen`, "seen, not recorded: reading back finds it again"],
    [`effect.${direction}.settled`, "recorded, and Temporal does not know: reading back finds it again"],
  ];
}

export const TABLE: readonly CrashRow[] = [
  ...rows("serve", "heals", [
    ["ingest.received", "no answer to the sender: it repeats, and only `delivered` deduplicates (law 9)"],
    ["ingest.signalled", "the sender repeats: a second signal of the same fault opens nothing"],
    ["ingest.delivered", "the sender repeats: a duplicate"],
  ]),
  ...rows("serve", "forgotten", [["ingest.received", "no sender repeats it: the sweeper delivers what was received"]]),
  ...rows("serve", "approved", [
    ["decision.issued", "its token was never used: the person's second try gets another"],
    ["decision.sent", "the workflow has it; the person's second try is not needed"],
  ]),
  ...rows("worker", "approved", [
    ["remediation.confirm.before", again],
    ["remediation.confirm.after", again],
    ["remediation.decide.before", again],
    ["remediation.decide.after", "decided again; the same digest is one verdict"],
    ["remediation.decision.before", again],
    ["remediation.decision.after", "one decision a person: the repeated one is the same"],
  ]),
  ...rows("worker", "taken", [
    ["remediation.command.before", again],
    ["remediation.command.after", "the same command again: it is in the record already"],
    ["remediation.held.before", again],
    ["remediation.held.after", repeated],
  ]),
  ...rows("worker", "terminated", [
    ["remediation.unclosed.before", again],
    ["remediation.unclosed.after", "orphaned already: the same past again"],
  ]),
  ...rows("worker", "misrouted", [["open.rerouted", "sent twice; the fault is in the right inbox once"]]),
  ...rows("worker", "heals", [
    ["remediation.assess.before", again],
    ["assess.opened", "the record knows its id: opened, not another one"],
    ["assess.confirmed", "nothing of it is recorded: read again"],
    ["assess.decided", "nothing of it is recorded: read and decided again"],
    ["remediation.assess.after", "recorded, and Temporal does not know: read and decided again"],
    ["remediation.admit.before", again],
    ["remediation.admit.after", "admitted already: nothing is consumed twice"],
    ["remediation.read.before", again],
    ["remediation.read.after", repeated],
    ["remediation.progress.before", again],
    ["remediation.progress.after", repeated],
    ["remediation.notify.before", again],
    ["notify.recorded", "recorded, not sent: sent by the second try"],
    ["notify.sent", "sent, not recorded: people may read it twice, never not at all"],
    ["remediation.notify.after", "people may read it twice"],
    ["remediation.close.before", again],
    ["close.closed", "closed, and the waiters were not woken: the watcher wakes them"],
    ["remediation.close.after", "closed already: the same audit head again"],
    ["effect.observe.before", again],
    ["effect.observe.after", repeated],
    ["watch.hinted", "hinted, not marked: the next round hints again, and a hint carries no truth"],
    ["watch.marked", "the round is over early; the next begins with what is left"],
  ]),
  ...["monitoring.silence", "loadbalancer.drain", "ticket.open", "provisioner.rebuild"].flatMap((action) =>
    rows("worker", "heals", effects("apply"), action),
  ),
  ...rows("worker", "heals", effects("finishHealthy"), "loadbalancer.drain"),
  ...rows("worker", "cancelled", effects("undo"), "ticket.open"),
  ...rows("worker", "notReplaced", effects("finishOtherwise"), "loadbalancer.drain"),
];

/** These die in the sweep of all hosts: they arm no host of their own. */
export const SWEEP: readonly CrashRow[] = [
  ...rows("worker", "forgotten", [
    ["sweep.looked", "nothing was repaired: the next sweep finds the same"],
    ["sweep.saved", "nobody was told yet: the next sweep tells what stands untold"],
  ]),
  ...rows(
    "worker",
    "forgotten",
    [["sweep.repaired", "delivered, and not noted: the next sweep finds it delivered"]],
    "UNDELIVERED",
  ),
];

/** As a person names it: `effect.apply.applied@ticket.open`. */
export function nameOf({ point, about }: Pick<CrashRow, "point" | "about">): string {
  return about === undefined ? point : `${point}@${about}`;
}

/** Where one piece of work touches two systems: these run in every test run, all of them by `npm run crash`. */
export function isQuick(row: CrashRow): boolean {
  const { point, about, scenario } = row;
  if (point.startsWith("effect.")) return about === "ticket.open" && /applied|settled/.test(point);
  return scenario !== "forgotten" && !/\.(before|after)$/.test(point);
}
