import { Connection } from "@temporalio/client";
import { TestWorkflowEnvironment } from "@temporalio/testing";
import { NativeConnection } from "@temporalio/worker";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEnv } from "../../src/config/env.ts";
import { temporalSettings } from "../../src/config/temporal.ts";
import { SEARCH_ATTRIBUTES } from "../../src/contracts/attributes.ts";
import { currentBundle, prebuiltBundle } from "../../src/workers/bundle.ts";
import { runWorker } from "../../src/workers/run-worker.ts";
import { connectWorker } from "../../src/workers/runtime.ts";
import { ensureSearchAttributes } from "../../src/workers/search-attributes.ts";
import { obtainTemporalCli } from "../../src/workers/temporal-cli.ts";
import { startDevServer, type DevServer } from "../../src/workers/temporal-server.ts";
import { obtainTestServer } from "../../src/workers/test-server.ts";
import { startedAgain } from "../support/ephemeral-server.ts";
import { isAlive } from "../support/processes.ts";

const env = readEnv();
const quiet = (): void => undefined;
const log = pino({ level: "silent" });
let cli: string;
beforeAll(async () => {
  cli = (await obtainTemporalCli(env, quiet)).path;
});

describe("a dev server", () => {
  test("serves gRPC and Web UI, knows our search attributes, and a stop leaves nothing behind", async () => {
    const server = await startDevServer({ cli, port: 0, uiPort: 0 });
    const connection = await Connection.connect({ address: server.address });
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: server.namespace });
    await connection.close();
    const ui = await fetch(server.uiUrl ?? "");
    await server.stop();
    expect(Object.keys(customAttributes)).toEqual(expect.arrayContaining([...SEARCH_ATTRIBUTES]));
    expect(ui.status).toBe(200);
    expect(isAlive(server.pid)).toBe(false);
    await expect(fetch(server.uiUrl ?? "")).rejects.toThrow();
  });

  test("keeps its workflows in a file when it is given one", async () => {
    const folder = mkdtempSync(join(tmpdir(), "selfheal-temporal-"));
    const dbFile = join(folder, "new", "temporal.sqlite");
    const server = await startDevServer({ cli, port: 0, uiPort: null, dbFile });
    await server.stop();
    expect(server.uiUrl).toBeNull();
    expect(existsSync(dbFile)).toBe(true);
    rmSync(folder, { recursive: true });
  });

  test("one that cannot start says what it said", async () => {
    const start = startDevServer({ cli, port: 0, uiPort: null, searchAttributes: ["Not A=Name"] });
    await expect(start).rejects.toThrow(/^the Temporal dev server did not start: it ended .*it said: /);
  });
});

test("the time-skipping server that was found serves the SDK's test environment", async () => {
  const { path } = await obtainTestServer(env, quiet);
  const server = { executable: { type: "existing-path" as const, path } };
  const skipping = await startedAgain(() => TestWorkflowEnvironment.createTimeSkipping({ server }));
  const before = await skipping.currentTimeMs();
  await skipping.sleep("3 hours");
  const slept = (await skipping.currentTimeMs()) - before;
  await skipping.teardown();
  expect(slept).toBeGreaterThanOrEqual(3 * 3_600_000);
});

describe("a worker", () => {
  let server: DevServer;
  beforeAll(async () => {
    server = await startDevServer({ cli, port: 0, uiPort: null, searchAttributes: [] });
  });
  afterAll(() => server.stop());
  const settings = () => temporalSettings({ TEMPORAL_ADDRESS: server.address });

  test("refuses a namespace without the search attributes, naming them and the command, until they may be added", async () => {
    const connection = await NativeConnection.connect({ address: server.address });
    const ensure = (mayAdd: boolean) => ensureSearchAttributes({ connection, namespace: "default", mayAdd });
    await expect(ensure(false)).rejects.toThrow(
      /does not know .*SelfhealTarget.*temporal operator search-attribute create --namespace default --name SelfhealTarget --type Keyword/,
    );
    await ensure(true);
    await ensure(false);
    const elsewhere = ensureSearchAttributes({ connection, namespace: "nosuch", mayAdd: false });
    await expect(elsewhere).rejects.toThrow(/knows no namespace nosuch: correct TEMPORAL_NAMESPACE/);
    await connection.close();
  });

  test("polls until it is told to stop, and then ends cleanly", async () => {
    const stop = new AbortController();
    const ready: string[] = [];
    await runWorker({
      settings: settings(),
      bundle: await currentBundle(),
      activities: {},
      mayAddAttributes: true,
      shutdownGraceMs: 1_000,
      log,
      stop: stop.signal,
      onReady: ({ buildId }) => {
        ready.push(buildId);
        stop.abort();
      },
    });
    expect(ready).toEqual([expect.stringMatching(/^\d+\.\d+\.\d+\+[0-9a-f]{12}$/)]);
  });

  test("names the namespace that does not exist", async () => {
    const elsewhere = { ...settings(), namespace: "nowhere" };
    const run = runWorker({
      settings: elsewhere,
      bundle: await currentBundle(),
      activities: {},
      mayAddAttributes: true,
      shutdownGraceMs: 1_000,
      log,
      stop: new AbortController().signal,
    });
    await expect(run).rejects.toThrow(/namespace nowhere/);
  });
});

test("Temporal that does not answer is an error with the address and what to do", async () => {
  const nobody = temporalSettings({ TEMPORAL_ADDRESS: "127.0.0.1:1" });
  await expect(connectWorker(nobody)).rejects.toThrow(
    /^Temporal at 127\.0\.0\.1:1 \(namespace default\) does not answer: .*`selfheal dev`, or set TEMPORAL_ADDRESS/,
  );
});

test("a production worker refuses to start without the prebuilt bundle, and with one that was changed", async () => {
  await expect(prebuiltBundle("/nowhere/bundle.js")).rejects.toThrow(
    /^no usable workflow bundle at .*`npm run build`$/,
  );
});
