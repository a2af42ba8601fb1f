/**
 * The workflow bundle: built with one set of options for development, production and replay, because a history replays
 * only in the code that made it. A manifest beside the bundle lists every module inside with its hash: that decides
 * whether a cached bundle is still right, and lets tests ask what is in it.
 */
import { bundleWorkflowCode, DefaultLogger, type LogLevel } from "@temporalio/worker";
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { z } from "zod";
import { packageManifest, projectPath } from "../config/project.ts";
import { EXIT, messageOf, UserError } from "../config/user-error.ts";

const manifestSchema = z.object({
  /** Goes up when the options below or this file's meaning change. */
  format: z.literal(2),
  sdkVersion: z.string(),
  /** sha256 of the bundle file. */
  fileHash: z.string(),
  /** sha256 of the code without its source map, so that it is the same on every machine. */
  codeHash: z.string(),
  codeBytes: z.number(),
  /** Our own modules, relative to the project, with sha256 of each. */
  sources: z.record(z.string(), z.string()),
  /** npm packages inside. */
  packages: z.array(z.string()),
});
export type BundleManifest = z.infer<typeof manifestSchema>;

export interface WorkflowBundle {
  /** What `Worker.create({ workflowBundle })` takes. */
  codePath: string;
  manifest: BundleManifest;
}

const ENTRY = "src/workflows/index.ts";
const FORMAT = 2;
/** Run once a worker, not once a workflow. Ours are not in it: a module may keep what is of its workflow alone. */
const SHARED = ["@temporalio/workflow"];

/** Where `npm run build` puts the production bundle. */
export function prebuiltBundlePath(): string {
  return projectPath("dist", "workflow-bundle.js");
}

/** The bundle of the checked-out source, from the cache when nothing in it has changed. For dev and tests. */
export async function currentBundle(): Promise<WorkflowBundle> {
  const path = projectPath(".cache", "workflow-bundle.js");
  const cached = await readBundle(path).catch(() => null);
  if (cached !== null && (await isCurrent(cached.manifest))) return cached;
  return buildBundle(path);
}

/** The prebuilt bundle of a production worker; refuses what is missing, changed or of another SDK. */
export async function prebuiltBundle(path = prebuiltBundlePath()): Promise<WorkflowBundle> {
  try {
    return await readBundle(path);
  } catch (error) {
    throw new UserError(`no usable workflow bundle at ${path} (${messageOf(error)}); make one with \`npm run build\``, {
      cause: error,
      exitCode: EXIT.unavailable,
    });
  }
}

/** Builds it to `path` with its manifest at `path` + `.json`. */
export async function buildBundle(path: string): Promise<WorkflowBundle> {
  const code = await bundleCode();
  const manifest = describeBundle(code);
  await mkdir(dirname(path), { recursive: true });
  // Bundle first: a reader that meets the old manifest with the new bundle sees that the hash does not fit.
  await writeAtomically(path, code);
  await writeAtomically(`${path}.json`, `${JSON.stringify(manifest, null, 2)}\n`);
  return { codePath: path, manifest };
}

async function bundleCode(): Promise<string> {
  const said: string[] = [];
  const logger = new DefaultLogger("WARN" satisfies LogLevel, (entry) => void said.push(entry.message));
  try {
    const { code } = await bundleWorkflowCode({
      workflowsPath: projectPath(ENTRY),
      logger,
      preloadModules: SHARED,
      // Modules are named by their path from here: the code must not depend on where the command was run.
      webpackConfigHook: (config) => ({ ...config, context: projectPath() }),
    });
    return code;
  } catch (error) {
    throw new Error(`the workflow bundle cannot be built from ${ENTRY}: ${messageOf(error)}\n${said.join("\n")}`, {
      cause: error,
    });
  }
}

async function readBundle(path: string): Promise<WorkflowBundle> {
  const manifest = manifestSchema.parse(JSON.parse(await readFile(`${path}.json`, "utf8")));
  if (manifest.sdkVersion !== sdkVersion()) {
    throw new Error(`it was built with Temporal SDK ${manifest.sdkVersion}, this is ${sdkVersion()}`);
  }
  if (sha256(await readFile(path)) !== manifest.fileHash)
    throw new Error("it is not the bundle its manifest describes");
  return { codePath: path, manifest };
}

/** Every module that went in still has the content it had. (A new file counts once one of these imports it.) */
async function isCurrent(manifest: BundleManifest): Promise<boolean> {
  const checks = Object.entries(manifest.sources).map(async ([file, hash]) => {
    const content = await readFile(projectPath(file)).catch(() => null);
    return content !== null && sha256(content) === hash;
  });
  return (await Promise.all(checks)).every(Boolean);
}

const SOURCE_MAP = /\n\/\/# sourceMappingURL=data:application\/json;charset=utf-8;base64,([A-Za-z0-9+/=]+)\s*$/;
const sourceMapSchema = z.object({ sources: z.array(z.string()), sourcesContent: z.array(z.string().nullable()) });

function describeBundle(code: string): BundleManifest {
  const [, encoded] = SOURCE_MAP.exec(code) ?? [];
  if (encoded === undefined) throw new Error("the workflow bundle has no source map to read its modules from");
  const map = sourceMapSchema.parse(JSON.parse(Buffer.from(encoded, "base64").toString("utf8")));
  const own = code.replace(SOURCE_MAP, "");
  // What was bundled, not what the file holds by now: an edit during the build must not look current.
  const sources = map.sources
    .map((source, index) => ({ path: source.replace(/\?.*$/, ""), content: map.sourcesContent[index] ?? "" }))
    .filter(({ path }) => path.startsWith(projectPath("src/")) && path.endsWith(".ts"))
    .map(({ path, content }): [string, string] => [relative(projectPath(), path), sha256(content)]);
  return {
    format: FORMAT,
    sdkVersion: sdkVersion(),
    fileHash: sha256(code),
    codeHash: sha256(own),
    codeBytes: Buffer.byteLength(own),
    sources: Object.fromEntries(sources.sort(([a], [b]) => a.localeCompare(b))),
    packages: [...new Set(map.sources.map(packageOf).filter((name) => name !== null))].sort(),
  };
}

function packageOf(module: string): string | null {
  const [, name] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(module) ?? [];
  return name ?? null;
}

async function writeAtomically(path: string, content: string): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    await writeFile(temporary, content);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}

function sdkVersion(): string {
  return packageManifest().dependencies["@temporalio/worker"] ?? "unknown";
}

function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
