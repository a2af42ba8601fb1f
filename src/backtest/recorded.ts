/**
 * Recorded alerts, one JSON value a line: alerts as `selfheal alerts export` writes them, or bodies of Alertmanager's
 * webhook as somebody logged them. Sorted as they are read, as far as a bounded window allows.
 */
import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import { addAbortSignal, type Readable } from "node:stream";
import type { Alert } from "../contracts/alert.ts";
import { cleanRecord } from "../contracts/text.ts";
import { alertmanager } from "../starters/sources/alertmanager.ts";
import { fingerprintOf, isFingerprint, isoTime } from "../starters/sources/bounds.ts";
import { ProblemError } from "../starters/problems.ts";
import { EXIT, UserError } from "../config/user-error.ts";

/** At least so many alerts are held back to put what comes out of order into its place. */
const WINDOW = 10_000;
const MOST_ALERTS_IN_BODY = 1_000_000;

export interface RecordedOptions {
  /** `-` is standard input; `.gz` is unpacked. */
  files: readonly string[];
  /** ISO; alerts received before are left out. */
  from?: string | undefined;
  /** ISO; and those received at or after. */
  to?: string | undefined;
  /** Aborted: reading rejects with the signal's reason, though nothing comes in. */
  signal?: AbortSignal;
}

/** In batches. Throws a UserError that names file, line and what would be right. */
export async function* recordedAlerts({ files, from, to, signal }: RecordedOptions): AsyncGenerator<Alert[]> {
  const [least, most] = [
    from === undefined ? -Infinity : Date.parse(from),
    to === undefined ? Infinity : Date.parse(to),
  ];
  const window: Held[] = [];
  for (const file of files) {
    let line = 0;
    for await (const lines of linesOf(file, signal)) {
      for (const text of lines) {
        line += 1;
        for (const alert of text.trim() === "" ? [] : alertsOf(text, `${file}:${line}`)) {
          const at = Date.parse(alert.receivedAt);
          if (at >= least && at < most) window.push({ at, alert });
        }
      }
      if (window.length > WINDOW) yield firstOf(window, window.length - WINDOW);
    }
  }
  yield firstOf(window, window.length);
}

interface Held {
  at: number;
  alert: Alert;
}

/** Takes them out by time, then in the order in which they came: the sort is stable, and cheap where little is out of order. */
function firstOf(window: Held[], count: number): Alert[] {
  window.sort((a, b) => a.at - b.at);
  return window.splice(0, count).map(({ alert }) => alert);
}

async function* linesOf(file: string, signal: AbortSignal | undefined): AsyncGenerator<string[]> {
  let rest = "";
  try {
    const stream = opened(file);
    for await (const chunk of signal === undefined ? stream : addAbortSignal(signal, stream)) {
      const lines = (rest + String(chunk)).split("\n");
      rest = lines.pop() ?? "";
      yield lines;
    }
  } catch (error) {
    signal?.throwIfAborted();
    const { code = String(error) } = error as { code?: string };
    throw new UserError(`${file} cannot be read (${code}): right would be a file of JSON lines`, {
      exitCode: EXIT.usage,
    });
  }
  yield [rest];
}

function opened(file: string): Readable {
  const raw = file === "-" ? process.stdin : createReadStream(file, { highWaterMark: 1024 * 1024 });
  if (!file.endsWith(".gz")) return raw.setEncoding("utf8");
  const unpacked = createGunzip();
  raw.on("error", (error: Error) => unpacked.destroy(error));
  return raw.pipe(unpacked).setEncoding("utf8");
}

/** The alerts of one line. Throws a UserError; `where` is `file:line`. */
export function alertsOf(text: string, where: string): Alert[] {
  const value = parsed(text, where);
  const body = value["body"] ?? value;
  const receivedAt = isoTime(value["receivedAt"]);
  if (isObject(body) && Array.isArray(body["alerts"])) return alertsOfBody(body, receivedAt, where);
  return [alertOf(value, receivedAt, where)];
}

function parsed(text: string, where: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {
    // Said below.
  }
  throw wrong(
    where,
    `this is no JSON object (got ${JSON.stringify(text.trim().slice(0, 60))})`,
    "an alert, or a body of Alertmanager's webhook, as JSON in one line",
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Translated as the webhook does. Without a time of its own, an alert came when it began or ended. */
function alertsOfBody(body: Record<string, unknown>, receivedAt: string | null, where: string): Alert[] {
  try {
    const { items } = alertmanager.normalise(body, {
      receivedAt: receivedAt ?? NEVER,
      maxAlerts: MOST_ALERTS_IN_BODY,
    });
    return items.flatMap((item) => {
      if (item.kind === "refused") return [];
      const { alert } = item;
      if (receivedAt !== null) return [alert];
      const endsAt = alert.endsAt === NEVER ? alert.startsAt : alert.endsAt;
      const at = alert.status === "firing" ? alert.startsAt : (endsAt ?? alert.startsAt);
      return [{ ...alert, endsAt, receivedAt: at }];
    });
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    throw wrong(where, error.message, "a body of Alertmanager's webhook, version 4");
  }
}

const NEVER = new Date(0).toISOString();

function alertOf(value: Record<string, unknown>, receivedAt: string | null, where: string): Alert {
  const { status, labels, source, fingerprint } = value;
  if (status !== "firing" && status !== "resolved") {
    throw wrong(where, `status is ${JSON.stringify(status)}`, '"firing" or "resolved"');
  }
  if (!isTexts(labels)) throw wrong(where, "labels are no texts", "an object of names and texts");
  const startsAt = isoTime(value["startsAt"]);
  if (startsAt === null) {
    throw wrong(
      where,
      `startsAt is ${JSON.stringify(value["startsAt"])}`,
      "an RFC 3339 time, like 2026-11-21T02:11:03Z",
    );
  }
  const endsAt = status === "firing" ? null : isoTime(value["endsAt"]);
  return {
    fingerprint: isFingerprint(fingerprint) ? fingerprint : fingerprintOf(labels),
    status,
    labels: cleanRecord(labels),
    // Nothing is decided by them, and they are most of an alert.
    annotations: {},
    startsAt,
    endsAt,
    source: typeof source === "string" && source !== "" ? source : "recorded",
    receivedAt: receivedAt ?? endsAt ?? startsAt,
  };
}

function isTexts(value: unknown): value is Record<string, string> {
  if (!isObject(value)) return false;
  for (const name in value) if (typeof value[name] !== "string") return false;
  return true;
}

function wrong(where: string, what: string, right: string): UserError {
  return new UserError(`${where}: ${what}; right would be ${right}`, { exitCode: EXIT.usage });
}
