/** Facts about this checkout or installation. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** An absolute path inside the project: `projectPath("dist", "workflow-bundle.js")`. */
export function projectPath(...parts: string[]): string {
  return [ROOT.replace(/\/$/, ""), ...parts].join("/");
}

const manifest = z.object({ version: z.string(), dependencies: z.record(z.string(), z.string()) });

export function packageManifest(): z.infer<typeof manifest> {
  return manifest.parse(JSON.parse(readFileSync(projectPath("package.json"), "utf8")));
}

export function projectVersion(): string {
  return packageManifest().version;
}
