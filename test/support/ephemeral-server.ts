import type { TestWorkflowEnvironment } from "@temporalio/testing";
import { messageOf } from "../../src/config/user-error.ts";

const TRIES = 4;

/**
 * The SDK chooses a port, lets it go, and gives the server 5 s to listen there. On a machine that does much else, the port
 * is somebody's by then, or the 5 s are too few: so it is started again.
 */
export async function startedAgain(start: () => Promise<TestWorkflowEnvironment>): Promise<TestWorkflowEnvironment> {
  for (let left = TRIES; ; left--) {
    try {
      return await start();
    } catch (error) {
      if (left === 1 || !messageOf(error).includes("Failed to start ephemeral server")) throw error;
    }
  }
}
