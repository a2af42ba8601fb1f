/** The one logger of a process, on stderr, so that stdout stays free for a command's result. */
import pino, { type DestinationStream, type Logger } from "pino";
import type { Env } from "./env.ts";
import { logFields } from "../ports/trace.ts";
import { prettyLine } from "./pretty-log.ts";

/** Never in a log line, wherever it hangs. */
const SECRET_NAMES = ["authorization", "token", "password", "apiKey", "secret"];
const SECRET_PATHS = SECRET_NAMES.flatMap((name) => [name, `*.${name}`]);

export function createLogger(env: Env, process: string): Logger {
  const pretty = env.SELFHEAL_LOG_FORMAT === "pretty" || (env.SELFHEAL_LOG_FORMAT === undefined && wantsPretty());
  return pino(
    {
      level: env.SELFHEAL_LOG_LEVEL,
      base: { process },
      // One id finds everything: what runs for a remediation says which, whoever writes the line.
      mixin: logFields,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_PATHS, censor: "[redacted]" },
    },
    pretty ? prettyStderr(useColor(env, globalThis.process.stderr)) : pino.destination({ dest: 2, sync: true }),
  );
}

function wantsPretty(): boolean {
  return globalThis.process.stderr.isTTY;
}

function prettyStderr(color: boolean): DestinationStream {
  return {
    write(line: string): void {
      globalThis.process.stderr.write(`${prettyLine(line.trimEnd(), color)}\n`);
    },
  };
}

/** NO_COLOR and FORCE_COLOR first, then whether it is a terminal (https://no-color.org). */
export function useColor(env: Env, stream: { isTTY?: boolean }): boolean {
  if (env.NO_COLOR !== undefined) return false;
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== "0";
  return stream.isTTY === true;
}
