/** Checks the layers with dependency-cruiser, and that it really saw every module (it passes happily on none). */
import { execFile } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { projectPath } from "../src/config/project.ts";

export interface ArchitectureReport {
  /** `rule: from -> to (why)` */
  violations: string[];
  /** TypeScript files that dependency-cruiser did not report on. */
  unseen: string[];
  modules: number;
}

const violation = z.object({ from: z.string(), to: z.string(), rule: z.object({ name: z.string() }) });
const report = z.object({
  modules: z.array(z.object({ source: z.string() })),
  summary: z.object({ violations: z.array(violation) }),
});

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** `root` holds `src/` (and perhaps `scripts`, `test`, `bench`) and a tsconfig.json. */
export async function checkArchitecture(root: string): Promise<ArchitectureReport> {
  const folders = ["src", "scripts", "test", "bench"].filter(
    (folder) => globSync(`${folder}/**/*.ts`, { cwd: root }).length > 0,
  );
  const { modules, summary } = report.parse(JSON.parse(await cruise(root, folders)));
  const seen = new Set(modules.map((module) => module.source));
  return {
    violations: summary.violations.map(({ from, to, rule }) => `${rule.name}: ${from} -> ${to}`),
    unseen: folders.flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: root })).filter((file) => !seen.has(file)),
    modules: modules.filter((module) => module.source.startsWith("src/")).length,
  };
}

function cruise(root: string, folders: string[]): Promise<string> {
  const bin = projectPath("node_modules", "dependency-cruiser", "bin", "dependency-cruiser.mjs");
  const config = projectPath(".dependency-cruiser.cjs");
  const args = [bin, "--config", config, "--output-type", "json", ...folders];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd: root, maxBuffer: MAX_OUTPUT_BYTES }, (error, stdout, stderr) => {
      // Violations are in its JSON, whatever the exit code says.
      if (stdout.startsWith("{")) resolve(stdout);
      else
        reject(new Error(`dependency-cruiser in ${join(root, "src")}: ${stderr || (error?.message ?? "no output")}`));
    });
  });
}
