/** Options and their checks that several commands share. */
import { InvalidArgumentError, Option, type Command } from "commander";
import type { Env } from "../config/env.ts";
import { EXIT, UserError } from "../config/user-error.ts";

export function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new InvalidArgumentError("A port is a number from 0 (any free one) to 65535.");
  }
  return port;
}

export function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError("A whole number of at least 1.");
  return count;
}

export function parseMs(text: string): number {
  const ms = Number(text);
  if (!Number.isInteger(ms) || ms < 50 || ms > 3_600_000)
    throw new InvalidArgumentError("Milliseconds, from 50 to 3600000.");
  return ms;
}

export function configOption(): Option {
  return new Option("--config <folder>", "folder with runbooks and connections (SELFHEAL_CONFIG)");
}

export function databaseOption(): Option {
  return new Option("--db-url <url>", "PostgreSQL of the record (better: DATABASE_URL, which no `ps` shows)");
}

/** Absolute paths and secrets aside, everything that a team configures lies in one folder. */
export function configFolder(option: string | undefined, env: Env): string {
  return option ?? env.SELFHEAL_CONFIG ?? "config";
}

/** The database of a production process: there is no default. */
export function requireDatabase(option: string | undefined, env: Env): string {
  const url = option ?? env.DATABASE_URL;
  if (url !== undefined) return url;
  throw new UserError(
    "no database: set DATABASE_URL=postgres://USER:PASSWORD@HOST/DATABASE (`selfheal dev` brings its own)",
    { exitCode: EXIT.usage },
  );
}

/** Shows `examples` below a command's help. */
export function withExamples(
  command: Command,
  examples: readonly (readonly [command: string, does: string])[],
): Command {
  const width = Math.max(...examples.map(([line]) => line.length));
  const lines = examples.map(([line, does]) => `  ${line.padEnd(width)}  ${does}`);
  return command.addHelpText("after", `\nExamples:\n${lines.join("\n")}`);
}
