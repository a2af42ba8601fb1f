/**
 * The programs of a production Temporal: server, schema tool and Web UI, each first that works: PATH (of exactly our
 * version), our cache, `go install`. The dev server (temporal-cli.ts) is one binary for all of it, and not for production.
 */
import { join } from "node:path";
import { cacheFolder, type Env } from "../config/env.ts";
import { EXIT, messageOf, UserError } from "../config/user-error.ts";
import { goInstall } from "./go-install.ts";
import { findOnPath, isExecutable, run, type Progress } from "./tools.ts";

/** The same as the images of docker-compose.temporal.yml: a test compares. */
export const TEMPORAL_VERSION = "1.29.1";
export const TEMPORAL_UI_VERSION = "2.42.1";

export interface TemporalTools {
  /** `temporal-server` */
  server: string;
  /** `temporal-sql-tool`: makes and updates the schemas. */
  sql: string;
  /** `temporal-ui-server` */
  ui: string;
}

interface Tool {
  /** On PATH, and in our cache with the version behind it: Go calls two of them `server`. */
  name: string;
  version: string;
  module: string;
  estimate: string;
}

const TOOLS: Record<keyof TemporalTools, Tool> = {
  server: {
    name: "temporal-server",
    version: TEMPORAL_VERSION,
    module: `go.temporal.io/server/cmd/server@v${TEMPORAL_VERSION}`,
    estimate: "2 to 4 minutes, 130 MB",
  },
  sql: {
    name: "temporal-sql-tool",
    version: TEMPORAL_VERSION,
    module: `go.temporal.io/server/cmd/tools/sql@v${TEMPORAL_VERSION}`,
    estimate: "some seconds after the server, 60 MB",
  },
  ui: {
    name: "temporal-ui-server",
    version: TEMPORAL_UI_VERSION,
    module: `github.com/temporalio/ui-server/v2/cmd/server@v${TEMPORAL_UI_VERSION}`,
    estimate: "half a minute, 150 MB",
  },
};
const NAMES = Object.keys(TOOLS) as (keyof TemporalTools)[];

/** Looks only; nothing is built. Null when one of them is missing. */
export async function findTemporalTools(env: Env, log: Progress = () => undefined): Promise<TemporalTools | null> {
  const found: Partial<TemporalTools> = {};
  for (const name of NAMES) {
    const path = await find(TOOLS[name], env, log);
    if (path === null) return null;
    found[name] = path;
  }
  return found as TemporalTools;
}

/** Finds them or builds them, with progress for a person; a UserError in one sentence when there is no way. */
export async function obtainTemporalTools(env: Env, log: Progress, signal?: AbortSignal): Promise<TemporalTools> {
  const found: Partial<TemporalTools> = {};
  for (const name of NAMES)
    found[name] = (await find(TOOLS[name], env, log)) ?? (await build(TOOLS[name], env, log, signal));
  return found as TemporalTools;
}

async function find(tool: Tool, env: Env, log: Progress): Promise<string | null> {
  const onPath = await findOnPath(tool.name, env.PATH);
  if (onPath !== null) {
    const says = await versionOf(onPath);
    if (says.includes(tool.version)) return onPath;
    log(`not using ${onPath}: it says ${says}, and the topology is made for ${tool.version}`);
  }
  const cached = cachedPath(tool, env);
  return (await isExecutable(cached)) ? cached : null;
}

async function build(tool: Tool, env: Env, log: Progress, signal: AbortSignal | undefined): Promise<string> {
  const go = await findOnPath("go", env.PATH);
  if (go === null) throw noWay(tool, "there is no Go to build it with");
  const target = cachedPath(tool, env);
  try {
    await goInstall({ go, module: tool.module, estimate: tool.estimate, target, log, signal });
  } catch (error) {
    throw noWay(tool, `the build failed (${messageOf(error)})`, error);
  }
  return target;
}

function cachedPath(tool: Tool, env: Env): string {
  return join(cacheFolder(env), "bin", `${tool.name}-${tool.version}`);
}

async function versionOf(path: string): Promise<string> {
  try {
    const lines = await run({ name: `${path} --version`, command: path, args: ["--version"], timeoutMs: 10_000 });
    return lines.join(" ").slice(0, 80);
  } catch (error) {
    return messageOf(error);
  }
}

function noWay(tool: Tool, reason: string, cause?: unknown): UserError {
  return new UserError(
    `no ${tool.name} ${tool.version}: ${reason}. Install Go 1.26 (it is built once into our cache), put ${tool.name} ` +
      `${tool.version} on PATH, or use docker-compose.temporal.yml, which brings it`,
    { cause, exitCode: EXIT.unavailable },
  );
}
