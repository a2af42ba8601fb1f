/**
 * One workflow a namespace, `selfheal-record`: remembers in Temporal how far the record was. A database that is brought
 * back from a backup is behind what stands here (ADR 51). The memo can be read while no worker runs.
 */
import { condition, continueAsNew, setHandler, upsertMemo, workflowInfo } from "@temporalio/workflow";
import { markSignal } from "../contracts/messages.ts";

export async function recordMark(carried: number): Promise<void> {
  let beat = carried;
  setHandler(markSignal, (mark: unknown) => {
    const { beat: told } = (mark ?? {}) as Record<string, unknown>;
    if (typeof told === "number" && Number.isSafeInteger(told)) beat = Math.max(beat, told);
  });
  for (;;) {
    const shown = beat;
    upsertMemo({ beat });
    await condition(() => beat > shown);
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof recordMark>(beat);
  }
}
