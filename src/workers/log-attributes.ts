/** Every line that the SDK logs about an activity names its remediation: one id finds everything. */
import type { ActivityInterceptorsFactory } from "@temporalio/worker";

export const remediationInLogs: ActivityInterceptorsFactory = () => {
  let remediationId: string | null = null;
  return {
    inbound: {
      execute: (input, next) => {
        remediationId = remediationIdIn(input.args);
        return next(input);
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
