/**
 * The record beats once a sweep, and Temporal remembers how far it was. A record that is behind that was restored to an
 * older state, so it forgot cooldowns, attempts and pauses: it goes on in review mode until a person has looked (ADR 51).
 */
import { WorkflowNotFoundError, type Client } from "@temporalio/client";
import { markSignal, RECORD_MARK_ID, RECORD_MARK_WORKFLOW, TASK_QUEUE } from "../contracts/messages.ts";
import type { RecordStore } from "../record/api.ts";
import { isOfRestore } from "../record/modes.ts";
import { candidate, type Candidate } from "./sweep-finding.ts";

export interface RecordMark {
  /** The last beat that Temporal was told; null: none was. Rejects when Temporal does not answer. */
  read(): Promise<number | null>;
  write(beat: number): Promise<void>;
}

const CALL_TIMEOUT_MS = 5_000;

export function recordMark(client: Client, taskQueue: string = TASK_QUEUE): RecordMark {
  const within = <T>(call: () => Promise<T>): Promise<T> => client.withDeadline(Date.now() + CALL_TIMEOUT_MS, call);
  return {
    read: () => within(() => read(client)),
    write: (beat) =>
      within(async () => {
        await client.workflow.signalWithStart(RECORD_MARK_WORKFLOW, {
          workflowId: RECORD_MARK_ID,
          taskQueue,
          args: [beat],
          memo: { beat },
          signal: markSignal,
          signalArgs: [{ beat }],
          staticSummary: "remembers how far the record was",
        });
      }),
  };
}

async function read(client: Client): Promise<number | null> {
  try {
    const { memo } = await client.workflow.getHandle(RECORD_MARK_ID).describe();
    const beat = memo?.["beat"];
    return typeof beat === "number" ? beat : null;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

/** Before a worker takes its first task, and in every sweep. */
export async function pulse(record: Pick<RecordStore, "beat">, mark: RecordMark): Promise<{ restored: boolean }> {
  const { beat, restored } = await record.beat(await mark.read());
  await mark.write(beat);
  return { restored };
}

/** `beat` null: only looks. */
export async function lookAtPulse(
  record: Pick<RecordStore, "modes">,
  beat: (() => Promise<unknown>) | null,
): Promise<Candidate[]> {
  await beat?.();
  return (await record.modes()).filter(isOfRestore).map(({ mode, reason, at }) =>
    candidate({
      code: "RECORD_RESTORED",
      part: "pulse",
      about: "",
      severity: "page",
      sentence: `${reason}; the global mode is ${mode} since ${at}`,
      ids: {},
      next: 'selfheal modes show   # when you have looked: selfheal modes set --scope global --mode file --reason "…"',
    }),
  );
}
