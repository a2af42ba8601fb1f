/** What commands print: results on stdout (text for people, or JSON), everything else on stderr. */
import type { Command } from "commander";
import { styleText } from "node:util";
import { readEnv } from "../config/env.ts";
import { useColor } from "../config/logger.ts";
import { EXIT, messageOf, UserError } from "../config/user-error.ts";

export type Style = Parameters<typeof styleText>[0];

/** `--json` anywhere on the command line. */
export function wantsJson(command: Command): boolean {
  return command.optsWithGlobals()["json"] === true;
}

/** The result of a command: one JSON document with `--json`, else the text that `human` makes. */
export function printResult(command: Command, data: unknown, human: () => string): void {
  const text = wantsJson(command) ? JSON.stringify(data, null, 2) : human();
  if (text !== "") process.stdout.write(`${text}\n`);
}

/** One line on stderr, for people: progress, URLs, hints. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Coloured where the stream is a terminal and NO_COLOR does not forbid it. */
export function paint(style: Style, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  return useColor(readEnv(), stream) ? styleText(style, text, { validateStream: false }) : text;
}

/** Left-aligned columns, as wide as their longest cell. Cells must not hold escape codes or line ends. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return [line(header), ...rows.map(line)].join("\n");
}

/** Prints an error (without its stack; the stack with `--debug`, JSON with `--json`) and answers the exit code. */
export function printError(error: unknown, how: { json: boolean; debug: boolean }): number {
  const exitCode = error instanceof UserError ? error.exitCode : EXIT.failed;
  // Some list several mistakes, a line each.
  const message = error instanceof UserError ? error.message : messageOf(error);
  if (how.json) note(JSON.stringify({ error: { message, exitCode } }));
  else note(`selfheal: ${error instanceof UserError ? "" : "unexpected: "}${message}`);
  if (how.debug && error instanceof Error) note(error.stack ?? "");
  else if (!(error instanceof UserError) && !how.json) note("selfheal: run it again with --debug for the stack");
  return exitCode;
}
