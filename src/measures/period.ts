/** Days, ISO weeks and months of a time zone as spans of time. */
import type { Span } from "../contracts/measures.ts";

export const PERIOD_KINDS = ["day", "week", "month"] as const;
export type PeriodKind = (typeof PERIOD_KINDS)[number];

export interface Period extends Span {
  kind: PeriodKind;
  /** `2026-10-25`, `2026-W43`, `2026-10`. */
  name: string;
  timezone: string;
}

/** What each kind looks like, for error messages. */
export const PERIOD_HELP: Record<PeriodKind, string> = {
  day: "a day such as 2026-10-25",
  week: "an ISO week such as 2026-W43",
  month: "a month such as 2026-10",
};

const DAY_MS = 24 * 3_600_000;
const MINUTE_MS = 60_000;

/** null: there is no such day, week or month. `timezone` must be known (isTimezone). */
export function periodOf(kind: PeriodKind, name: string, timezone: string): Period | null {
  const dates = datesOf(kind, name);
  if (dates === null) return null;
  const [from, to] = dates.map((date) => new Date(startOfDay(date, timezone)).toISOString());
  return from === undefined || to === undefined ? null : { kind, name, timezone, from, to };
}

/** The one that a moment (ISO) lies in. */
export function periodAt(kind: PeriodKind, moment: string, timezone: string): Period {
  const name = nameAt(kind, localDate(Date.parse(moment), timezone));
  const found = periodOf(kind, name, timezone);
  if (found === null) throw new Error(`${name} is no ${kind}`);
  return found;
}

/** The one before. */
export function before({ kind, from, timezone }: Period): Period {
  return periodAt(kind, new Date(Date.parse(from) - 1).toISOString(), timezone);
}

export function isTimezone(name: string): boolean {
  try {
    formatter(name);
    return true;
  } catch {
    return false;
  }
}

/** First date, and the one after the last, as UTC midnights. */
function datesOf(kind: PeriodKind, name: string): [number, number] | null {
  if (kind === "week") {
    const monday = mondayOf(name);
    return monday === null ? null : [monday, monday + 7 * DAY_MS];
  }
  const [, year = "", month = "", day] = /^(\d{4})-(\d\d)(?:-(\d\d))?$/.exec(name) ?? [];
  if (year === "" || (kind === "day") !== (day !== undefined)) return null;
  const date = Date.UTC(Number(year), Number(month) - 1, Number(day ?? 1));
  if (!iso(date).startsWith(name)) return null;
  return [date, kind === "day" ? date + DAY_MS : Date.UTC(Number(year), Number(month), 1)];
}

/** ISO 8601: the week that holds the year's first Thursday is its first. */
function mondayOf(name: string): number | null {
  const [, year = "", week = ""] = /^(\d{4})-W(\d\d)$/.exec(name) ?? [];
  if (year === "") return null;
  const fourth = Date.UTC(Number(year), 0, 4);
  const monday = fourth - ((new Date(fourth).getUTCDay() + 6) % 7) * DAY_MS + (Number(week) - 1) * 7 * DAY_MS;
  return nameAt("week", iso(monday)) === name ? monday : null;
}

/** Of a date `2026-10-25`. */
function nameAt(kind: PeriodKind, date: string): string {
  if (kind !== "week") return kind === "day" ? date : date.slice(0, 7);
  const at = Date.parse(date);
  const thursday = at + (3 - ((new Date(at).getUTCDay() + 6) % 7)) * DAY_MS;
  const year = new Date(thursday).getUTCFullYear();
  const week = 1 + Math.floor((thursday - Date.UTC(year, 0, 1)) / (7 * DAY_MS));
  return `${year}-W${String(week).padStart(2, "0")}`;
}

function iso(date: number): string {
  return new Date(date).toISOString().slice(0, 10);
}

/** The first moment whose local date is this one: a zone may have no midnight on the day its clocks change. */
function startOfDay(date: number, timezone: string): number {
  const name = iso(date);
  let [low, high] = [date - DAY_MS, date + DAY_MS];
  while (high - low > MINUTE_MS) {
    const middle = low + Math.floor((high - low) / 2 / MINUTE_MS) * MINUTE_MS;
    if (localDate(middle, timezone) >= name) high = middle;
    else low = middle;
  }
  return high;
}

/** `2026-10-25` */
export function localDate(at: number, timezone: string): string {
  const parts = Object.fromEntries(
    formatter(timezone)
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  );
  return `${parts["year"]}-${parts["month"]}-${parts["day"]}`;
}

const formatters = new Map<string, Intl.DateTimeFormat>();

/** @throws RangeError for a zone that nobody knows. Making one takes longer than using it. */
function formatter(timezone: string): Intl.DateTimeFormat {
  const known = formatters.get(timezone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat("en-CA", {
    ...{ timeZone: timezone, calendar: "iso8601", numberingSystem: "latn" },
    ...{ year: "numeric", month: "2-digit", day: "2-digit" },
  });
  formatters.set(timezone, made);
  return made;
}
