/** The bare workflows' worker, as a process of its own like ours, with the same concurrency (src/workers/worker.ts). */
import { NativeConnection, Worker } from "@temporalio/worker";
import pino from "pino";
import { announceReady } from "../../src/cli/process/ready.ts";
import { stopOnSignals } from "../../src/cli/process/signals.ts";
import { temporalSettings } from "../../src/config/temporal.ts";
import { installRuntime } from "../../src/workers/runtime.ts";
import { bareBundle } from "./bundle.ts";
import { BARE_QUEUE } from "./names.ts";

installRuntime(pino({ level: "warn" }));
const stop = stopOnSignals();
const { address, namespace } = temporalSettings();
const connection = await NativeConnection.connect({ address });
const worker = await Worker.create({
  connection,
  namespace,
  taskQueue: BARE_QUEUE,
  workflowBundle: await bareBundle(),
  activities: { nothing: () => Promise.resolve() },
  maxConcurrentActivityTaskExecutions: 100,
  maxConcurrentLocalActivityExecutions: 100,
  maxConcurrentWorkflowTaskExecutions: 40,
  maxCachedWorkflows: 500,
});
const running = worker.run();
announceReady({ address });
await stop.requested;
worker.shutdown();
await running;
await connection.close();
