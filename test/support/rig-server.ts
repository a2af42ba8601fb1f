/** The time-skipping server of scenario tests, and the logs that nobody wants to read while things fail on purpose. */
import { TestWorkflowEnvironment } from "@temporalio/testing";
import { DefaultLogger, makeTelemetryFilterString, Runtime, type LogLevel } from "@temporalio/worker";
import pino from "pino";
import { afterAll } from "vitest";
import { readEnv } from "../../src/config/env.ts";
import { SEARCH_ATTRIBUTES } from "../../src/contracts/attributes.ts";
import { currentBundle, type WorkflowBundle } from "../../src/workers/bundle.ts";
import { ensureSearchAttributes } from "../../src/workers/search-attributes.ts";
import { findTemporalCli } from "../../src/workers/temporal-cli.ts";
import { findTestServer } from "../../src/workers/test-server.ts";
import { startedAgain } from "./ephemeral-server.ts";

/** `RIG_LOG=debug npx vitest …` shows what happens. */
const LEVEL = process.env["RIG_LOG"] ?? "silent";
export const LOG = pino({ level: LEVEL });
const quiet = LEVEL === "silent";
Runtime.install({
  logger: quiet ? new DefaultLogger("ERROR", () => undefined) : new DefaultLogger("INFO"),
  telemetryOptions: {
    logging: { forward: {}, filter: makeTelemetryFilterString({ core: (quiet ? "OFF" : "WARN") as LogLevel }) },
  },
});
/** temporal.api.enums.v1.IndexedValueType */
const KEYWORD = 2;

let bundle: Promise<WorkflowBundle> | null = null;

/** Of the checked-out source, once for each test file. */
export async function bundlePath(): Promise<string> {
  bundle ??= currentBundle();
  return (await bundle).codePath;
}

/** One time-skipping server for the tests of a file, one after the other; it ends with them. Awaited at the file's top. */
export async function sharedServer(): Promise<TestWorkflowEnvironment> {
  const env = await timeSkippingServer();
  afterAll(() => env.teardown());
  return env;
}

/** A real dev server, for what the time-skipping one does not have; its time is ours. Whoever starts it ends it. */
export async function devServer(): Promise<TestWorkflowEnvironment> {
  const found = await findTemporalCli(readEnv());
  if (found === null) throw new Error("no temporal CLI: run `npm test`, which gets one");
  const server = { executable: { type: "existing-path" as const, path: found.path } };
  const env = await startedAgain(() => TestWorkflowEnvironment.createLocal({ server }));
  await ensureSearchAttributes({ connection: env.connection, namespace: "default", mayAdd: true });
  return env;
}

/** Whoever starts it ends it. */
export async function timeSkippingServer(): Promise<TestWorkflowEnvironment> {
  const found = await findTestServer(readEnv());
  if (found === null) throw new Error("no time-skipping server: run `npm test`, which gets one");
  const server = { executable: { type: "existing-path" as const, path: found.path } };
  const env = await startedAgain(() => TestWorkflowEnvironment.createTimeSkipping({ server }));
  // This server lists none, so ensureSearchAttributes does not work on it.
  const searchAttributes = Object.fromEntries(SEARCH_ATTRIBUTES.map((name) => [name, KEYWORD]));
  await env.connection.operatorService.addSearchAttributes({ namespace: "default", searchAttributes });
  return env;
}
