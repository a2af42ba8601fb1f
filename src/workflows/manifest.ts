import { proxyActivities } from "@temporalio/workflow";

interface ManifestActivities {
  "audit.manifest"(): Promise<unknown>;
}

/**
 * One manifest of the audit, started by the Temporal Schedule `selfheal-manifest`. Its number and hash are the result, so
 * they lie in Temporal too. A worker without the folder lets another try.
 */
export async function manifest(): Promise<unknown> {
  const activities = proxyActivities<ManifestActivities>({
    startToCloseTimeout: "30 minutes",
    scheduleToCloseTimeout: "12 hours",
    heartbeatTimeout: "10s",
    retry: { initialInterval: "5s", backoffCoefficient: 2, maximumInterval: "5 minutes" },
    summary: "write the heads of all audit chains that moved to a file",
  });
  return activities["audit.manifest"]();
}
