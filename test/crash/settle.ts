/**
 * Until every row has struck and every remediation is closed. A row can miss: the death of another row, in the same
 * process at the same moment, ends its activity before the point, and reading back afterwards settles the effect without
 * passing there. That row gets another host, some times; so each row is struck, and one that cannot strike fails at once.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Storm, Victim } from "./storm.ts";
import { nameOf, TABLE, type CrashRow } from "./table.ts";
import { storyOf } from "./timeline.ts";

/** Hosts that a row may take, the first one with it. */
const TRIES = 4;
const LOOK_EVERY_MS = 500;

interface Options {
  withinMs: number;
  /** Lets the victim's disk fail and sends its alert. */
  begin: (victim: Victim) => void;
}

interface Seen {
  /** Hosts with a closed remediation. */
  closed: Set<string>;
  struck: Map<string, number>;
}

export async function untilSettled(storm: Storm, { withinMs, begin }: Options): Promise<void> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const seen = await look(storm);
    const open = storm.victims.filter(({ host }) => !seen.closed.has(host));
    const alive = rowsAlive(storm, seen);
    // Who died after the last word of the record still has to end its workflow.
    if (open.length === 0 && alive.length === 0 && (await everyOver(storm, storm.victims))) return;
    for (const { row, tried } of await missed(storm, seen, alive)) {
      const never = `${nameOf(row)} never struck on ${tried.length} of ${TRIES} hosts`;
      if (tried.length >= TRIES) throw new Error(await tell(storm, never, tried));
      console.log(await tell(storm, `${never}, trying another`, tried.slice(-1)));
      begin(await storm.arm(row));
    }
    if (Date.now() > deadline) {
      const points = alive.map(({ name }) => name).join(", ") || "none";
      throw new Error(await tell(storm, `not settled within ${withinMs} ms; points left: ${points}; open`, open));
    }
    await sleep(LOOK_EVERY_MS);
  }
}

async function look(storm: Storm): Promise<Seen> {
  const rows = await storm.live.api.list({ limit: "1000" }).catch(() => []);
  const closed = new Set(rows.filter((row) => row.closedAt !== null).map((row) => row.target.id));
  return { closed, struck: await storm.struck() };
}

interface Alive {
  name: string;
  /** Who can make it strike. */
  row: CrashRow;
  tried: Victim[];
}

/** Rows and sweeps that have not struck yet. A sweep has nothing to do without an alert that nobody sends again. */
function rowsAlive({ victims, sweeps }: Storm, { struck }: Seen): Alive[] {
  const byRow = Map.groupBy(victims, ({ row }) => row);
  const rows = [...byRow]
    .filter(([, tried]) => !tried.some(({ file }) => struck.has(file)))
    .map(([row, tried]) => ({ name: nameOf(row), row, tried }));
  const forgotten = TABLE.find(({ scenario }) => scenario === "forgotten");
  if (forgotten === undefined) throw new Error("no row forgets an alert: the sweeper has nothing to deliver");
  const tried = victims.filter(({ row }) => row === forgotten);
  return [...rows, ...sweeps.filter((name) => !struck.has(name)).map((name) => ({ name, row: forgotten, tried }))];
}

/** Those whose hosts are all through, with nothing left of them that could pass the point; each row once. */
async function missed(storm: Storm, { closed }: Seen, alive: Alive[]): Promise<Alive[]> {
  const through = alive.filter(({ tried }) => tried.every(({ host }) => closed.has(host)));
  const over = await Promise.all(through.map(({ tried }) => everyOver(storm, tried)));
  const rows = through.filter((_, index) => over[index]);
  return rows.filter(({ row }, index) => rows.findIndex((other) => other.row === row) === index);
}

async function everyOver({ live }: Storm, tried: Victim[]): Promise<boolean> {
  const ids = tried.flatMap(({ workflowIds }) => workflowIds);
  const seen = ids.map((id) => live.client.workflow.getHandle(id).describe());
  return (await Promise.all(seen)).every(({ status }) => status.name !== "RUNNING");
}

async function tell(storm: Storm, what: string, victims: Victim[]): Promise<string> {
  return [`${what}:`, ...(await Promise.all(victims.map((victim) => storyOf(storm, victim))))].join("\n");
}
