/**
 * Is a moment inside a window, and when does that end? Only the question is asked, of Intl, never an offset added: so a
 * clock that is put forward or back is right by itself. 02:30 that comes twice is inside twice; one that does not come
 * is not missed.
 */
import { WEEKDAYS, type CalendarWindow, type OneTime, type WeeklyTime } from "../contracts/surroundings.ts";

const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;
/** A run of adjoining days that is longer, or without an end, is looked at again after this. */
const LONGEST_MS = 8 * 24 * 60 * MINUTE_MS;
/** Clocks are put by less than this, so up to here the end is looked for minute by minute. */
const NEAR_MINUTES = 120;

/** null: outside. `until`: ISO. Throws where a time or a time zone cannot be read: a guardrail that throws refuses. */
export function insideOf({ when }: Pick<CalendarWindow, "when">, at: number): { until: string } | null {
  return "once" in when ? insideOnce(when.once, at) : insideWeekly(when.weekly, at);
}

export function insideOnce({ from, until }: OneTime, at: number): { until: string } | null {
  const [begins, ends] = [Date.parse(from), Date.parse(until)];
  if (Number.isNaN(begins + ends)) throw new Error(`the window from ${from} until ${until} cannot be read`);
  return begins <= at && at < ends ? { until: new Date(ends).toISOString() } : null;
}

function insideWeekly(time: WeeklyTime, at: number): { until: string } | null {
  let end = Math.floor(at / MINUTE_MS) * MINUTE_MS;
  let left = minutesLeft(time, end);
  if (left === null) return null;
  while (left !== null && end - at < LONGEST_MS) {
    end += (left > NEAR_MINUTES ? left - NEAR_MINUTES : 1) * MINUTE_MS;
    left = minutesLeft(time, end);
  }
  return { until: new Date(end).toISOString() };
}

/** On the zone's clock, 1 or more; null: outside. */
function minutesLeft({ timeZone, days, from, to }: WeeklyTime, at: number): number | null {
  const { day, minute } = wallClock(timeZone, at);
  const [begins, ends] = [minuteOf(from), minuteOf(to)];
  const isDay = (index: number): boolean => days.includes(WEEKDAYS[(index + 7) % 7] ?? "mon");
  if (begins < ends) return isDay(day) && minute >= begins && minute < ends ? ends - minute : null;
  if (isDay(day) && minute >= begins) return DAY_MINUTES - minute + ends;
  return isDay(day - 1) && minute < ends ? ends - minute : null;
}

/** `24:00` too. */
export function minuteOf(text: string): number {
  const [hours = Number.NaN, minutes = Number.NaN] = text.split(":").map(Number);
  return hours * 60 + minutes;
}

const clocks = new Map<string, Intl.DateTimeFormat>();

/** Throws RangeError for a time zone that there is not. */
export function clockOf(timeZone: string): Intl.DateTimeFormat {
  const known = clocks.get(timeZone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  clocks.set(timeZone, made);
  return made;
}

function wallClock(timeZone: string, at: number): { day: number; minute: number } {
  const parts = clockOf(timeZone).formatToParts(at);
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? "";
  const day = WEEKDAYS.findIndex((one) => one === part("weekday").toLowerCase());
  return { day, minute: Number(part("hour")) * 60 + Number(part("minute")) };
}
