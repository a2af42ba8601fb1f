/** Durations as people write them: `30s`, `10m`, `4h`, `7d`. The only place that turns them into milliseconds. */

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
export const DURATION_PATTERN = /^(\d{1,9})(ms|s|m|h|d|w)$/;
export const DURATION_HELP = "a duration such as 30s, 10m, 4h or 7d";
/** Two years. A longer timer is a typing error. */
const MAX_MS = 2 * 365 * UNITS.d;

/**
 * Milliseconds, or null when the text is no duration, is zero or is longer than two years. `scale` divides every
 * duration of a catalogue (`timeScale`, for demos); what is left is at least 1 ms.
 */
export function parseDuration(text: string, scale = 1): number | null {
  const match = DURATION_PATTERN.exec(text);
  if (match === null) return null;
  const ms = Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
  if (ms === 0 || ms > MAX_MS) return null;
  return Math.max(1, Math.round(ms / scale));
}

/** The other way, exactly, in the largest unit that divides it: 90 minutes are `90m`, 30 hours `30h`, two days `2d`. */
export function writtenDuration(ms: number): string {
  const unit = (["d", "h", "m", "s"] as const).find((one) => ms > 0 && ms % UNITS[one] === 0) ?? "ms";
  return `${ms / UNITS[unit]}${unit}`;
}

/** `90 s` -> `1m30s`: for sentences that people read. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${ms}ms`;
  let rest = Math.round(ms / 1_000);
  const parts: string[] = [];
  for (const [unit, seconds] of [
    ["d", 86_400],
    ["h", 3_600],
    ["m", 60],
    ["s", 1],
  ] as const) {
    const count = Math.floor(rest / seconds);
    if (count > 0) parts.push(`${count}${unit}`);
    rest -= count * seconds;
  }
  return parts.slice(0, 2).join("");
}
