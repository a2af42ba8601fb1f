import { bundleWorkflowCode, DefaultLogger } from "@temporalio/worker";
import { projectPath } from "../../src/config/project.ts";

/** The bare workflows, bundled as ours are. */
export function bareBundle(): Promise<{ code: string }> {
  const logger = new DefaultLogger("WARN", () => undefined);
  return bundleWorkflowCode({ workflowsPath: projectPath("bench/bare/workflows.ts"), logger });
}
