/** What a scenario changes in the lab's configuration folder before it is loaded. */
import { cp, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { writeLabFolder } from "../../src/cli/demo/lab-folder.ts";
import { projectPath } from "../../src/config/project.ts";
import type { Lab } from "../../src/lab/lab.ts";

// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Yaml = any;

export interface FolderOptions {
  /** Groups with a standing approval; default web and api. */
  standingFor?: string[];
  /** A folder of test/fixtures/runbooks instead of the shipped runbook. */
  runbooks?: string;
  /** Changes the shipped runbook; standing approvals are for the changed one. */
  runbook?: (runbook: Yaml) => void;
  /** Changes selfheal.yaml. */
  config?: (config: Yaml) => void;
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
  return { folder, made };
}

async function edit(path: string, change: (content: Yaml) => void): Promise<void> {
  const content = parse(await readFile(path, "utf8")) as Yaml;
  change(content);
  await writeFile(path, stringify(content));
}

/** No cap that would make one host of a scenario wait for another. */
export function wideOpen(runbook: Yaml): void {
  const { rack: _, rate: __, ...limits } = runbook.limits;
  runbook.limits = { ...limits, group: 10 };
}
