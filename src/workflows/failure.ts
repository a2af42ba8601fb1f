import { ActivityFailure } from "@temporalio/workflow";

/** What went wrong, in the words of who threw it: Temporal's own say only that an activity failed. */
export function messageOf(error: unknown): string {
  if (error instanceof ActivityFailure) return error.cause?.message ?? error.message;
  return error instanceof Error ? error.message : String(error);
}
