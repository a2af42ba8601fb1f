/**
 * HAProxy's runtime API (`stats socket … level admin`). One command a connection, which HAProxy closes after the
 * answer. Commands used: `show stat`, `show servers state`, `set server <p>/<s> state|weight`.
 */
import type { Outside } from "../../ports/ports.ts";
import type { CallKind, Guarded } from "../guarded.ts";
import { exchange, parseEndpoint } from "../sockets.ts";

export interface RuntimeApi {
  /** The answer without the blank line that ends it. */
  ask(operation: string, kind: CallKind, command: string): Promise<string>;
}

export function runtimeApi(options: { address: string; guarded: Guarded; connect: Outside["connect"] }): RuntimeApi {
  const endpoint = parseEndpoint(options.address);
  return {
    ask: (operation, kind, command) =>
      options.guarded.run(operation, kind, async (attempt) => {
        const text = await exchange(options.connect, endpoint, `${command}\n`, attempt);
        // Even a success without text ends with an empty line; nothing at all is a connection that was cut.
        if (text === "") throw new Error("the connection closed before an answer came");
        // A table that was cut between two rows would be whole to look at, with servers that are not there.
        if (!text.endsWith(kind === "read" ? "\n\n" : "\n")) throw new Error("the answer was cut off");
        return text.trim();
      }),
  };
}

/** Rows of `show stat` (CSV) by the names in its header, which differ from version to version. */
export function parseStat(text: string): Record<string, string>[] {
  return table(text, (line) => line.split(","));
}

/** Rows of `show servers state` (separated by blanks) by the names in its header. */
export function parseServersState(text: string): Record<string, string>[] {
  return table(text, (line) => line.trim().split(/ +/));
}

function table(text: string, split: (line: string) => string[]): Record<string, string>[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const at = lines.findIndex((line) => line.startsWith("# "));
  const header = lines[at];
  if (header === undefined) throw new Error(`not a table: ${text.slice(0, 120)}`);
  const names = split(header.slice(2));
  return lines
    .slice(at + 1)
    .map((line) => Object.fromEntries(split(line).map((value, i) => [names[i] ?? `#${i}`, value])));
}
