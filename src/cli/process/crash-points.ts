/**
 * Makes this process die by SIGKILL at named fault points: for the crash-window matrix (test/crash) and nothing else.
 * The variable alone does nothing: each death needs a file of its own in that folder, and takes it away, so that the
 * process that is started instead lives. The file's name is `<point>[@<about>]@<workflow id>`.
 */
import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { asyncLocalStorage } from "@temporalio/activity";
import type { Logger } from "pino";
import type { Env } from "../../config/env.ts";
import { EXIT, UserError } from "../../config/user-error.ts";
import type { FaultHook } from "../../contracts/fault-points.ts";
import { parseWorkflowId } from "../../contracts/ids.ts";

/** What a file is called once its point has struck. */
export const STRUCK = ".struck";

/** Undefined in production: no folder, no hook. Throws when the folder is not there. */
export function crashPoints(env: Env, log: Logger): FaultHook | undefined {
  const folder = env.SELFHEAL_CRASH_FOLDER;
  if (folder === undefined) return undefined;
  if (!existsSync(folder)) {
    throw new UserError(`SELFHEAL_CRASH_FOLDER: there is no folder ${folder}; unset it, it is for tests only`, {
      exitCode: EXIT.usage,
    });
  }
  log.warn({ folder }, "this process dies at the fault points that are armed in the folder: tests only");
  return (point, about) => {
    const file = join(folder, [point, about, remediation()].filter((part) => part !== undefined).join("@"));
    if (!existsSync(file)) return;
    // Whoever renames it dies of it; it may be another process.
    renameSync(file, `${file}${STRUCK}`);
    process.kill(process.pid, "SIGKILL");
  };
}

/** The remediation whose activity runs here; undefined elsewhere. */
function remediation(): string | undefined {
  const id = asyncLocalStorage.getStore()?.info.workflowExecution?.workflowId;
  return id !== undefined && parseWorkflowId(id) !== null ? id : undefined;
}
