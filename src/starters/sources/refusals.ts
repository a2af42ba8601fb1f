/** What every source says of what can never be accepted. */
import type { z } from "zod";
import { clipValue, fieldPath, ProblemError, type FieldFault } from "../problems.ts";
import { stubOf } from "./bounds.ts";
import type { Item } from "./source.ts";

/** Faults that are named for one body or one alert; the rest are only counted. */
const MAX_FAULTS = 5;

/** `root` is what was parsed, which stands at `prefix` in the body. */
export function faultsOf(error: z.ZodError, root: unknown, prefix: PropertyKey[]): FieldFault[] {
  return error.issues.slice(0, MAX_FAULTS).map((issue) => ({
    field: fieldPath([...prefix, ...issue.path]),
    value: clipValue(valueAt(root, issue.path)),
    wouldBeRight: issue.message,
  }));
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}

export function refusedItem(raw: unknown, faults: FieldFault[], source: string, receivedAt: string): Item {
  return { kind: "refused", faults, stub: stubOf(raw, faults, source, receivedAt) };
}

/** `field`: of its labels, in the body. */
export function tooLarge(labels: Record<string, string>, field: string): FieldFault {
  const bytes = Buffer.byteLength(JSON.stringify(labels));
  return { field, value: `${bytes} bytes`, wouldBeRight: "labels that fit, with times and source, into 16 kB" };
}

export function refusedBody(title: string, faults: FieldFault[]): ProblemError {
  const first = faults[0];
  const detail = first === undefined ? "" : `${first.field} is ${first.value}; right would be ${first.wouldBeRight}`;
  return new ProblemError({ status: 422, slug: "bad-field", title, detail, faults });
}

export function tooMany(field: string, count: number, max: number, cure: string): ProblemError {
  const detail = `${field} has ${count} entries, the limit is ${max}; ${cure}`;
  const fault: FieldFault = { field, value: `${count} alerts`, wouldBeRight: `at most ${max} alerts` };
  return new ProblemError({ status: 413, slug: "too-many-alerts", title: "Too many alerts", detail, faults: [fault] });
}
