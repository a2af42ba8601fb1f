/** One series as a line of text: what a page of Markdown shows everywhere, without an image or a script. */

export interface Plot {
  /** What is shown: `the probe of disk`. */
  title: string;
  query: string;
  /** ms since 1970. */
  from: number;
  to: number;
  read: { ok: true; points: readonly { at: number; value: number }[] } | { ok: false; reason: string };
}

export const PLOT_COLUMNS = 60;
const LEVELS = "▁▂▃▄▅▆▇█";
const NONE = "·";

export interface Marker {
  /** ms since 1970. */
  at: number;
  /** One character. */
  sign: string;
}

/**
 * Two lines: the highest value of each column (`·`: none), and below it the markers; then the scale. Of a flat series
 * every column is half high.
 */
export function plotLines({ from, to, read }: Plot, markers: readonly Marker[]): string[] {
  if (!read.ok) return [`no plot: ${read.reason}`];
  const columnOf = (at: number): number =>
    Math.min(PLOT_COLUMNS - 1, Math.max(0, Math.floor(((at - from) / Math.max(1, to - from)) * PLOT_COLUMNS)));
  const columns = new Map<number, number>();
  for (const { at, value } of read.points) {
    const column = columnOf(at);
    columns.set(column, Math.max(columns.get(column) ?? -Infinity, value));
  }
  const values = [...columns.values()];
  if (values.length === 0) return ["no plot: the series has no value in this time"];
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const signs = Array.from({ length: PLOT_COLUMNS }, () => " ");
  for (const { at, sign } of markers) if (at >= from && at <= to) signs[columnOf(at)] = sign;
  const line = Array.from({ length: PLOT_COLUMNS }, (_, column) => levelOf(columns.get(column), least, most)).join("");
  const span = `${new Date(from).toISOString()} to ${new Date(to).toISOString()}`;
  return [line, signs.join("").trimEnd(), `${least} to ${most}, ${span}`].filter((text) => text !== "");
}

function levelOf(value: number | undefined, least: number, most: number): string {
  if (value === undefined) return NONE;
  const share = most === least ? 0.5 : (value - least) / (most - least);
  return LEVELS[Math.min(LEVELS.length - 1, Math.floor(share * LEVELS.length))] ?? NONE;
}
