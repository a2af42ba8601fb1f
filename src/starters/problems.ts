/** What a starter says when it cannot take something. The HTTP layer turns these into RFC 9457 problems. */
import { messageOf } from "../config/user-error.ts";
import { isRecordUnavailable, RecordConflict } from "../record/errors.ts";

/** One field that is wrong. */
export interface FieldFault {
  /** Where it stands in the body: `alerts[3].labels.severity`. */
  field: string;
  /** What was there, as JSON, clipped. */
  value: string;
  /** What was expected, e.g. `a string`. */
  wouldBeRight: string;
}

export type ProblemStatus = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 422;

/** It can never be accepted as it is: sending it again cannot help. Never used for overload. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly status: ProblemStatus;
  /** Short and stable, for programs: `bad-field`. */
  readonly slug: string;
  readonly title: string;
  readonly faults: readonly FieldFault[];
  /** More headers of the answer. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(problem: {
    status: ProblemStatus;
    slug: string;
    title: string;
    detail: string;
    faults?: FieldFault[];
    headers?: Record<string, string>;
  }) {
    super(problem.detail);
    this.status = problem.status;
    this.slug = problem.slug;
    this.title = problem.title;
    this.faults = problem.faults ?? [];
    this.headers = problem.headers ?? {};
  }
}

export function notFound(detail: string): ProblemError {
  return new ProblemError({ status: 404, slug: "not-found", title: "Not found", detail });
}

export function conflict(detail: string, faults: FieldFault[] = []): ProblemError {
  return new ProblemError({ status: 409, slug: "conflict", title: "Conflict", detail, faults });
}

export function notAllowed(detail: string): ProblemError {
  return new ProblemError({ status: 403, slug: "not-allowed", title: "This person may not", detail });
}

export function wrongField(field: string, value: string, wouldBeRight: string): ProblemError {
  const detail = `${field} is ${value}; right would be ${wouldBeRight}`;
  const faults = [{ field, value, wouldBeRight }];
  return new ProblemError({ status: 422, slug: "bad-field", title: "A field is wrong", detail, faults });
}

export type NeededSystem = "temporal" | "record" | "catalogue" | "worker" | "capacity" | "identity";

/** It would be accepted, but something that is needed cannot take it now: the sender must try again. */
export class Unavailable extends Error {
  override readonly name = "Unavailable";
  readonly system: NeededSystem;
  readonly retryAfterSeconds: number;
  /** `one`: only this call failed, others may succeed. `all`: nothing else will succeed now either. */
  readonly reach: "one" | "all";

  constructor(
    system: NeededSystem,
    why: string,
    options: { cause?: unknown; retryAfterSeconds?: number; reach?: "one" | "all" } = {},
  ) {
    super(why, { cause: options.cause });
    this.system = system;
    this.retryAfterSeconds = options.retryAfterSeconds ?? 5;
    this.reach = options.reach ?? "all";
  }
}

/** Why something failed, for a caller: where our database lies is in the log alone. */
export function toldOutside(error: unknown): string {
  return isRecordUnavailable(error) ? error.placeless : messageOf(error);
}

/** For a call of a person that the record may refuse; never for an alert, which must be sent again. */
export function asConflict(error: unknown): never {
  throw error instanceof RecordConflict ? conflict(error.message) : error;
}

/** A slow database must not hold a caller for longer: Alertmanager's next try finds what was written by then. */
const RECORD_WITHIN_MS = 10_000;

/** Runs one call to the record; whatever goes wrong there, or takes too long, is worth another try by the sender. */
export async function throughRecord<T>(what: string, call: () => Promise<T>, withinMs = RECORD_WITHIN_MS): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`the record gave no answer within ${withinMs / 1000} s`)),
    withinMs,
  );
  try {
    return await Promise.race([call(), late.promise]);
  } catch (error) {
    if (error instanceof Unavailable || error instanceof ProblemError) throw error;
    throw new Unavailable("record", `cannot ${what}: ${toldOutside(error)}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

const MAX_VALUE = 120;

/** A value for an error message: JSON, at most 120 characters, never throwing (a hostile body can be very deep). */
export function clipValue(value: unknown): string {
  if (value === undefined) return "nothing";
  let text: string;
  try {
    text = JSON.stringify(value) ?? typeof value;
  } catch {
    text = `(${typeof value} that cannot be shown)`;
  }
  return text.length <= MAX_VALUE ? text : `${text.slice(0, MAX_VALUE).toWellFormed()}…`;
}

/** `["alerts", 3, "labels", "severity"]` as people write it: `alerts[3].labels.severity`. */
export function fieldPath(path: readonly PropertyKey[]): string {
  const parts = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`));
  const text = parts.join("").replace(/^\./, "");
  return text === "" ? "(the body)" : text.slice(0, 300).toWellFormed();
}
