/**
 * Activities that are about one remediation run in its name: each that answered is a line of the log, whatever they log
 * carries the remediation's id, and with a tracer each try is a span of its trace. Workflow code is replayed, activities are
 * not: nothing is told twice. (A try that failed is the SDK's line.)
 */
import { Context } from "@temporalio/activity";
import type { Logger } from "pino";
import { endRemediation, inRemediation, type SpanAttributes, type Tracer } from "../ports/trace.ts";
import type { RecordStore } from "../record/api.ts";
import { wholeTrace } from "./whole-trace.ts";

type Activity = (...args: never[]) => Promise<unknown>;

export interface ScopeParts {
  tracer: Tracer | null;
  runs: KnownRuns;
  record: Pick<RecordStore, "story">;
  log: Logger;
}

export function scoped<T extends Record<string, Activity>>(activities: T, parts: ScopeParts): T {
  return Object.fromEntries(
    Object.entries(activities).map(([name, run]): [string, Activity] => [
      name,
      (...args) => {
        const [request] = args as unknown[];
        const about = fieldsOf(request);
        const { remediationId } = about;
        return typeof remediationId === "string"
          ? inName(remediationId, name, about, parts, () => run(...args))
          : run(...args);
      },
    ]),
  ) as T;
}

async function inName(
  remediationId: string,
  name: string,
  request: Fields,
  parts: ScopeParts,
  work: () => Promise<unknown>,
): Promise<unknown> {
  const { attempt, workflowExecution } = Context.current().info;
  if (workflowExecution !== undefined) parts.runs.note(workflowExecution.runId, remediationId);
  const about = wordsOf(request);
  const attributes = { ...prefixed(about), "temporal.activity.attempt": attempt };
  const start = { name, kind: "internal", attributes } as const;
  const from = performance.now();
  return inRemediation(remediationId, parts.tracer, start, async (note) => {
    const reply = await work();
    const answer = fieldsOf(reply);
    const result = resultOf(answer);
    note({ "selfheal.result": result });
    const durationMs = Math.round(performance.now() - from);
    parts.log.info({ activity: name, ...about, attempt, result: result ?? undefined, durationMs }, `${name} done`);
    // What only observes is closed by its first look (ADR 42).
    if (name === "remediation.close" || (name === "remediation.assess" && answer.kind === "closed")) {
      if (workflowExecution !== undefined) parts.runs.forget(workflowExecution.runId);
      // Not waited for: a slow record must not hold up the close.
      void tellWhole(remediationId, parts);
    }
    return reply;
  });
}

/** Never rejects. */
async function tellWhole(remediationId: string, { tracer, record, log }: ScopeParts): Promise<void> {
  if (tracer === null) return;
  try {
    const story = await record.story(remediationId);
    const trace = story === null ? null : wholeTrace(story);
    if (trace !== null) endRemediation(remediationId, tracer, trace.whole, trace.waits);
  } catch (error) {
    log.warn({ err: error }, "a trace lacks the span of the whole remediation: it could not be read");
  }
}

/** What is said of a request where it has it: short words of our own, nothing that came from outside. */
const SAID = ["remediationId", "phase", "rung", "step", "direction", "outcome"] as const;
type Field = (typeof SAID)[number] | "target" | "kind" | "id" | "state" | "status";
type Fields = Readonly<Partial<Record<Field, unknown>>>;

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? value : {};
}

function wordsOf(request: Fields): Record<string, string> {
  const { kind, id } = fieldsOf(request.target);
  const target = typeof kind === "string" && typeof id === "string" ? { target: `${kind}/${id}` } : {};
  const said = SAID.flatMap((name) => {
    const value = request[name];
    return typeof value === "string" ? [[name, value] as const] : [];
  });
  return { ...Object.fromEntries(said), ...target };
}

function prefixed({ remediationId, ...rest }: Record<string, string>): SpanAttributes {
  const named = Object.entries(rest).map(([name, value]) => [`selfheal.${name}`, value] as const);
  return { "selfheal.remediation.id": remediationId, ...Object.fromEntries(named) };
}

function resultOf({ kind, state, status }: Fields): string | null {
  const said = state ?? status ?? kind;
  return typeof said === "string" ? said : null;
}

/** Which remediation a workflow's run works on, as far as this process has heard: for the SDK's own log lines. */
export class KnownRuns {
  readonly #ids = new Map<string, string>();

  note(runId: string, remediationId: string): void {
    this.#ids.delete(runId);
    this.#ids.set(runId, remediationId);
    // Insertion order is age: what was not heard of for longest goes first.
    for (const oldest of this.#ids.keys()) {
      if (this.#ids.size <= MOST_RUNS) break;
      this.#ids.delete(oldest);
    }
  }

  /** Its next remediation is another one. */
  forget(runId: string): void {
    this.#ids.delete(runId);
  }

  of(runId: unknown): string | null {
    return typeof runId === "string" ? (this.#ids.get(runId) ?? null) : null;
  }
}

const MOST_RUNS = 10_000;
