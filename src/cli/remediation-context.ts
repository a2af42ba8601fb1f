/** What the commands of `selfheal remediation` share: the outside, the API, and how one is named. */
import { userInfo } from "node:os";
import { createInterface } from "node:readline/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import { readEnv, secretFromEnv } from "../config/env.ts";
import { EXIT, UserError } from "../config/user-error.ts";
import { Secret } from "../ports/secret.ts";
import { API_TOKEN_PREFIX } from "../contracts/roles.ts";
import { DEFAULT_URL, remediationApi, type ApiOptions, type RemediationApi } from "./remediation-api.ts";

export interface RemediationCommandOptions {
  /** Where the API is when `--url` is left out; default SELFHEAL_URL, then http://127.0.0.1:8080. */
  url?: string;
  /** Default SELFHEAL_TOKEN. */
  token?: string;
  /** Tests only: the outside. */
  outside?: Partial<Outside>;
}

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
  /** Who says so where `--by` is left out: undefined where the token itself says whose it is. */
  by: () => string | undefined;
  api: (command: Command) => RemediationApi;
  /** For what is not about remediations. */
  options: (command: Command) => ApiOptions;
}

export const ID_HELP = "remediation id, its beginning, or a target (kind/id or id): its newest remediation";
/** How long the workflow may take to say whether it counts; after that it is only known to be taken. */
export const LOOKS = 25;
export const LOOK_EVERY_MS = 200;

export function contextOf(options: RemediationCommandOptions): Context {
  const outside: Outside = {
    fetch: globalThis.fetch,
    now: Date.now,
    sleep: (ms) => sleep(ms),
    interactive: process.stdin.isTTY && process.stderr.isTTY,
    ask: askOnTerminal,
    user: userName,
    ...options.outside,
  };
  const tokenText = (): string | null => options.token ?? secretFromEnv("SELFHEAL_TOKEN");
  const apiOptions = (command: Command): ApiOptions => {
    const given = command.opts<{ url?: string }>().url;
    const url = given ?? options.url ?? readEnv().SELFHEAL_URL ?? DEFAULT_URL;
    const token = tokenText();
    return { url, token: token === null ? null : new Secret(token), fetch: outside.fetch };
  };
  const by = (): string | undefined => (isPersonal(tokenText()) ? undefined : outside.user());
  return { outside, by, options: apiOptions, api: (command) => remediationApi(apiOptions(command)) };
}

/** A token of our own making, or a JWT: the API knows whose it is. The one that all share says nothing. */
function isPersonal(token: string | null): boolean {
  return token !== null && (token.startsWith(API_TOKEN_PREFIX) || /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token));
}

export function apiCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option(
      "--url <url>",
      `where the API is (SELFHEAL_URL); default ${DEFAULT_URL}; the token comes from SELFHEAL_TOKEN`,
    );
}

async function askOnTerminal(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(question);
  } finally {
    terminal.close();
  }
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    throw new UserError("this user has no name: say who decides with --by", { exitCode: EXIT.usage });
  }
}
