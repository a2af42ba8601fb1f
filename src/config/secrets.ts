import { readFileSync } from "node:fs";
import { childEnv } from "./env.ts";

/** Where references to secrets lead: this process's environment and files. A worker holds only its own zone's. */
export function processSecrets(): { env: Record<string, string>; readFile: (path: string) => string } {
  return { env: childEnv(), readFile: (path) => readFileSync(path, "utf8") };
}
