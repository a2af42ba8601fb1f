/** What the commands of `selfheal remediation` share. */
import { Command } from "commander";
import { DEFAULT_URL, type RemediationApi } from "./remediation-api.ts";

export const ID_HELP = "remediation id, its beginning, or a target (kind/id or id): its newest remediation";

export interface Outside {
  fetch: typeof fetch;
  now: () => number;
  sleep: (ms: number) => Promise<void>;
  interactive: boolean;
  ask: (question: string) => Promise<string>;
  user: () => string;
}

export interface Context {
  outside: Outside;
  api: (command: Command) => RemediationApi;
}

export function apiCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option(
      "--url <url>",
      `where the API is (SELFHEAL_URL); default ${DEFAULT_URL}; the token comes from SELFHEAL_TOKEN`,
    );
}
