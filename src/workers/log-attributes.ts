/** Every line that the SDK logs about an activity names its remediation: one id finds everything. */
import type { ActivityInterceptorsFactory } from "@temporalio/worker";

export const remediationInLogs: ActivityInterceptorsFactory = () => {
  let remediationId: string | null = null;
  return {
    inbound: {
      execute: async (input, next) => {
        remediationId = remediationIdIn(input.args) ?? idIn(input.args[0], "order");
        const reply = await next(input);
        // Who looks for what a gone run left open knows its id only now.
        remediationId ??= remediationIdIn([reply]) ?? idIn(reply, "past");
        return reply;
      },
    },
    outbound: {
      getLogAttributes: (input, next) => next(remediationId === null ? input : { ...input, remediationId }),
    },
  };
};

/** Activities of a remediation take one object, with its id in it. */
export function remediationIdIn([request]: readonly unknown[]): string | null {
  if (typeof request !== "object" || request === null || !("remediationId" in request)) return null;
  return typeof request.remediationId === "string" ? request.remediationId : null;
}

function idIn(message: unknown, part: "order" | "past"): string | null {
  const parts = (message ?? {}) as Partial<Record<typeof part, unknown>>;
  return remediationIdIn([parts[part]]);
}
