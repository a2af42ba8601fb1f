/** What the doctor says: one line a check, with the next command. */
import { EXIT, messageOf, UserError } from "../config/user-error.ts";

export type Level = "ok" | "info" | "warn" | "FAIL";

export interface Line {
  level: Level;
  /** `catalogue`, `connections`, `database`, `temporal`, or a code of the sweeper. */
  area: string;
  detail: string;
  /** The next command; null where nothing is to be done. */
  next: string | null;
  /** Why it fails, for the exit status. */
  because?: "configuration" | "unavailable" | "finding";
}

export const ok = (area: string, detail: string): Line => ({ level: "ok", area, detail, next: null });
export const info = (area: string, detail: string, next: string | null = null): Line => ({
  level: "info",
  area,
  detail,
  next,
});
export const warn = (area: string, detail: string, next: string): Line => ({ level: "warn", area, detail, next });
export const fail = (area: string, detail: string, next: string, because: Line["because"] = "finding"): Line => ({
  level: "FAIL",
  area,
  detail,
  next,
  because,
});

/** A check that could not be made. UserErrors say by their exit code whether it is the configuration. */
export function failed(area: string, error: unknown, next: string): Line {
  const usage = error instanceof UserError && error.exitCode === EXIT.usage;
  // Some list several mistakes, a line each.
  const detail = error instanceof UserError ? error.message : messageOf(error);
  return fail(area, detail, next, usage ? "configuration" : "unavailable");
}

/** 2 before 3 before 1: with a wrong configuration nothing else means much. */
export function exitCodeOf(lines: readonly Line[]): number {
  const fails = lines.filter((line) => line.level === "FAIL");
  if (fails.some((line) => line.because === "configuration")) return EXIT.usage;
  if (fails.some((line) => line.because === "unavailable")) return EXIT.unavailable;
  return lines.some((line) => line.level === "warn" || line.level === "FAIL") ? EXIT.failed : EXIT.ok;
}

export function textOf(lines: readonly Line[], paint: (level: Level, text: string) => string): string {
  const width = Math.max(...lines.map((line) => line.area.length));
  const rows = lines.flatMap(({ level, area, detail, next }) => {
    const margin = " ".repeat(6 + width + 2);
    const first = `${paint(level, level.padEnd(4))}  ${area.padEnd(width)}  ${detail.replaceAll("\n", `\n${margin}`)}`;
    return next === null ? [first] : [first, `${margin}next: ${next}`];
  });
  return [...rows, summaryOf(lines)].join("\n");
}

function summaryOf(lines: readonly Line[]): string {
  const count = (level: Level): number => lines.filter((line) => line.level === level).length;
  const [fails, warnings] = [count("FAIL"), count("warn")];
  if (fails + warnings === 0) return "all is well";
  return `${fails} failed, ${warnings} to look at`;
}
