/**
 * Activities that are about one remediation run in its name: whatever they log carries its id, and with a tracer each try
 * is a span of its trace. Only activities are traced: they run once where workflow code is replayed.
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
  const attributes = { ...attributesOf(remediationId, request), "temporal.activity.attempt": attempt };
  const start = { name, kind: "internal", attributes } as const;
  return inRemediation(remediationId, parts.tracer, start, async (note) => {
    const reply = await work();
    const answer = fieldsOf(reply);
    note({ "selfheal.result": resultOf(answer) });
    // What only observes is closed by its first look (ADR 42).
    if (name === "remediation.close" || (name === "remediation.assess" && answer.kind === "closed")) {
      if (workflowExecution !== undefined) parts.runs.forget(workflowExecution.runId);
      await tellWhole(remediationId, parts);
    }
    return reply;
  });
}

/** Whatever goes wrong here must not fail what it looks at. */
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

/** What requests and replies of the activities are looked at for. */
type Field = "remediationId" | "target" | "rung" | "step" | "direction" | "kind" | "state" | "status" | "id";
type Fields = Readonly<Partial<Record<Field, unknown>>>;

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? value : {};
}

function attributesOf(remediationId: string, { target, rung, step, direction }: Fields): SpanAttributes {
  const { kind, id } = fieldsOf(target);
  return {
    "selfheal.remediation.id": remediationId,
    "selfheal.target": typeof kind === "string" && typeof id === "string" ? `${kind}/${id}` : null,
    "selfheal.rung": word(rung),
    "selfheal.step": word(step),
    "selfheal.direction": word(direction),
  };
}

function resultOf({ kind, state, status }: Fields): string | null {
  return word(state) ?? word(status) ?? word(kind);
}

function word(value: unknown): string | null {
  return typeof value === "string" ? value : null;
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
