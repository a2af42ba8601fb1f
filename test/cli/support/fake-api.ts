/** A command line whose API answers what a test says, with what was asked, printed and noted. Its user is ada, at NOW. */
import { Command } from "commander";
import { afterEach, beforeEach, vi } from "vitest";
import type { RemediationCommandOptions } from "../../../src/cli/remediation-context.ts";

export const NOW = Date.parse("2026-11-21T10:10:00.000Z");
/** Ten minutes ago. */
export const AT = "2026-11-21T10:00:00.000Z";

export interface Asked {
  method: string;
  /** With its query. */
  path: string;
  /** null: none. */
  body: unknown;
}

export class FakeApi {
  requests: Asked[] = [];
  /** What each request said of the way it came. */
  ways: (string | null)[] = [];
  /** In their order; the last one stays. */
  answers: unknown[] = [];
  /** On stdout. */
  printed = "";
  /** On stderr. */
  noted = "";
  token = "secret-1";
  readonly #commandsOf: (options: RemediationCommandOptions) => Command[];

  constructor(commandsOf: (options: RemediationCommandOptions) => Command[]) {
    this.#commandsOf = commandsOf;
  }

  set answer(one: unknown) {
    this.answers = [one];
  }

  reset(): void {
    [this.requests, this.ways, this.answers, this.printed, this.noted, this.token] = [[], [], [], "", "", "secret-1"];
  }

  async run(...words: string[]): Promise<void> {
    const root = quiet(new Command("selfheal").option("--json"));
    const outside = { fetch: this.#fetch, now: () => NOW, user: () => "ada" };
    const commands = this.#commandsOf({ url: "http://api:1", token: this.token, outside });
    for (const command of commands) root.addCommand(quiet(command));
    await root.parseAsync(words, { from: "user" });
  }

  readonly #fetch: typeof fetch = async (url, init) => {
    const { pathname, search } = new URL(url);
    const body = typeof init?.body === "string" ? (JSON.parse(init.body) as unknown) : null;
    this.requests.push({ method: init?.method ?? "GET", path: pathname + search, body });
    this.ways.push(new Headers(init?.headers).get("x-selfheal-via"));
    const [answer = {}] = this.answers;
    if (this.answers.length > 1) this.answers.shift();
    return Response.json(answer);
  };
}

function quiet(command: Command): Command {
  for (const one of command.commands) quiet(one);
  return command.exitOverride().configureOutput({ writeErr: () => undefined });
}

/** One for the tests of a file, as new for each. */
export function fakeApi(commandsOf: (options: RemediationCommandOptions) => Command[]): FakeApi {
  const api = new FakeApi(commandsOf);
  beforeEach(() => {
    api.reset();
    vi.spyOn(process.stdout, "write").mockImplementation((text) => ((api.printed += String(text)), true));
    vi.spyOn(process.stderr, "write").mockImplementation((text) => ((api.noted += String(text)), true));
  });
  afterEach(() => vi.restoreAllMocks());
  return api;
}
