/**
 * One problem ticket for what comes again and again. The problem is kept first; its ticket carries the problem's key, is
 * looked for before it is asked for, and asked for again only once the first request can take effect no more (law 6).
 */
import { recurrencesOf } from "../../measures/recurrence.ts";
import type { Ticket } from "../../ports/ports.ts";
import type { ProblemRow } from "../../record/api-measures.ts";
import { messageOf } from "./failure.ts";
import type { LessonDependencies } from "./lessons.ts";

/** How long a request whose reply was lost may still open a ticket. */
const LIFE_MS = 60_000;

export async function raiseProblems(deps: LessonDependencies): Promise<void> {
  // First: what a person has closed must come up anew.
  await closeSettled(deps);
  await findProblems(deps);
  const failures: string[] = [];
  for (const problem of await deps.record.openProblems()) {
    try {
      await bringUpToDate(deps, problem);
    } catch (error) {
      await deps.record.problemFailed(problem.key, messageOf(error));
      failures.push(`${problem.pattern}: ${messageOf(error)}`);
    }
  }
  if (failures.length > 0) throw new Error(failures.join("; "));
}

async function findProblems({ record, catalogues }: LessonDependencies): Promise<void> {
  const [{ problems, reports, inventory }, now] = await Promise.all([catalogues.active(), record.now()]);
  const from = new Date(Date.parse(now) - problems.within).toISOString();
  const [trouble, links] = await Promise.all([record.trouble(from), record.problemLinks(from)]);
  const { target, pattern, queue = "" } = problems;
  const settings = { target, pattern, labels: reports.patterns, targets: inventory.targets };
  for (const found of recurrencesOf(trouble, links, settings)) await record.foundProblem({ ...found, queue });
}

async function closeSettled({ record, ports }: LessonDependencies): Promise<void> {
  const known = (await record.openProblems()).flatMap(({ key, ticketId }) =>
    ticketId === null ? [] : [{ key, ticketId }],
  );
  if (known.length === 0) return;
  const tickets = await ports.tickets.getMany(known.map(({ ticketId }) => ticketId));
  const open = new Set(tickets.filter(({ status }) => status === "open").map(({ id }) => id));
  for (const { key, ticketId } of known) if (!open.has(ticketId)) await record.closeProblem(key);
}

async function bringUpToDate(deps: LessonDependencies, problem: ProblemRow): Promise<void> {
  const ticketId = problem.ticketId ?? (await openTicket(deps, problem));
  if (ticketId === null) return;
  const { record, ports } = deps;
  for (const remediationId of problem.unnoted) {
    const key = `${problem.key}/${remediationId}`;
    const text = `It came again: selfheal remediation show ${remediationId}`;
    if (!(await ports.tickets.hasComment(ticketId, key))) await ports.tickets.comment(ticketId, key, text);
    await record.problemNoted(problem.key, remediationId);
  }
}

/** null: it is not known whether the request of an earlier round opened one; the next round looks again. */
async function openTicket({ record, ports }: LessonDependencies, problem: ProblemRow): Promise<string | null> {
  const { key, queue, title: subject, body } = problem;
  const there = oldest(await ports.tickets.findByKey(key));
  if (there !== null) return noted(record, key, there);
  if (!(await record.claimTicket(key, LIFE_MS))) return null;
  const opened = await ports.tickets.open({ key, queue, subject: subject.slice(0, 150), body });
  return noted(record, key, opened);
}

async function noted(record: LessonDependencies["record"], key: string, { id, url }: Ticket): Promise<string> {
  await record.problemTicket(key, id, url);
  return id;
}

function oldest(tickets: Ticket[]): Ticket | null {
  return tickets.toSorted((a, b) => a.id.length - b.id.length || a.id.localeCompare(b.id))[0] ?? null;
}
