/** What the figures were measured on: a figure without it cannot be compared with anything. */
import { execFileSync } from "node:child_process";
import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import { packageManifest, projectPath } from "../../src/config/project.ts";

export type Facts = Record<string, string | number>;

export function machineFacts(): Facts {
  return {
    at: new Date().toISOString(),
    commit: commit(),
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    // Above 0 before a bench starts, somebody else works on this machine too.
    loadBefore: Number((loadavg()[0] ?? 0).toFixed(2)),
    node: process.version,
    temporalSdk: packageManifest().dependencies["@temporalio/worker"] ?? "unknown",
  };
}

function commit(): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync("git", args, { cwd: projectPath(), encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
    return `${git("rev-parse", "--short", "HEAD")}${git("status", "--porcelain") === "" ? "" : " with changes"}`;
  } catch {
    return "unknown";
  }
}
