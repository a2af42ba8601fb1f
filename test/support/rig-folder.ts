/** What a scenario changes in the lab's configuration folder before it is loaded. */
import { cp, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { writeLabFolder } from "../../src/cli/demo/lab-folder.ts";
import { projectPath } from "../../src/config/project.ts";
import type { Lab } from "../../src/lab/lab.ts";

/** As much of the files as scenarios change. */
export interface RunbookYaml {
  require: string;
  mode: string;
  limits: Record<string, unknown>;
  approval: { onTimeout: string; quorum?: number };
  ladder: { rung: string; steps: { uses: string; onFail?: string; with?: object }[]; verify: object }[];
}
export interface ConfigYaml {
  approvals: { unsigned: "never" | "reversible" | "always" };
  groups: Record<string, { mode: string }>;
  defaults: Record<string, unknown>;
}

export interface FolderOptions {
  /** Groups with a standing approval; default web and api. */
  standingFor?: string[];
  /** A folder of test/fixtures/runbooks instead of the shipped runbook. */
  runbooks?: string;
  /** Changes the shipped runbook; standing approvals are for the changed one. */
  runbook?: (runbook: RunbookYaml) => void;
  /** Changes selfheal.yaml. */
  config?: (config: ConfigYaml) => void;
  /** Changes inventory.yaml. */
  inventory?: (inventory: { targets: object[] }) => void;
  /** Further runbooks, by file name. */
  more?: Record<string, string>;
}

/** Answers the folder; `made` lists what is to be removed in the end. */
export async function makeFolder(lab: Lab, options: FolderOptions): Promise<{ folder: string; made: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), "selfheal-rig-"));
  const made = [folder];
  let runbooks = options.runbooks === undefined ? null : projectPath("test", "fixtures", "runbooks", options.runbooks);
  if (options.runbook !== undefined) {
    const changed = await mkdtemp(join(tmpdir(), "selfheal-runbooks-"));
    made.push(changed);
    await cp(runbooks ?? projectPath("runbooks"), changed, { recursive: true });
    await edit(join(changed, "disk-replacement.yaml"), options.runbook);
    runbooks = changed;
  }
  const standingFor = options.standingFor ?? ["web", "api"];
  await writeLabFolder({ folder, lab, timeScale: 1, standingFor, ...(runbooks === null ? {} : { runbooks }) });
  if (options.config !== undefined) await edit(join(folder, "selfheal.yaml"), options.config);
  if (options.inventory !== undefined) await edit(join(folder, "inventory.yaml"), options.inventory);
  for (const [name, text] of Object.entries(options.more ?? {})) await writeFile(join(folder, "runbooks", name), text);
  return { folder, made };
}

async function edit<T>(path: string, change: (content: T) => void): Promise<void> {
  const content = parse(await readFile(path, "utf8")) as T;
  change(content);
  await writeFile(path, stringify(content));
}

/** No cap that would make one host of a scenario wait for another. */
export function wideOpen(runbook: RunbookYaml): void {
  const { rack: _, rate: __, ...limits } = runbook.limits;
  runbook.limits = { ...limits, group: 10 };
}
