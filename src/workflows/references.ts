/** `${{ steps.dc.ticketId }}`: plain paths to results of earlier steps, resolved here; all else was compiled. */
import type { Json, JsonObject } from "../contracts/json.ts";
import { isJsonObject } from "../contracts/json.ts";

const REFERENCE = /\$\{\{\s*steps\.([A-Za-z0-9_-]+)((?:\.[A-Za-z0-9_-]+)+)\s*\}\}/g;
const WHOLE = new RegExp(`^${REFERENCE.source}$`);

/** The paths that `value` takes from the result of `step`: `.ticketId`. */
export function pathsInto(step: string, value: Json): string[] {
  return [...JSON.stringify(value).matchAll(REFERENCE)]
    .filter((found) => found[1] === step)
    .map(([, , path = ""]) => path);
}

/** Throws when a reference leads to nothing: an effect never gets an empty value. */
export function resolveReferences(value: Json, results: Record<string, JsonObject>): Json {
  if (typeof value === "string") return resolveText(value, results);
  if (Array.isArray(value)) return value.map((item) => resolveReferences(item, results));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolveReferences(item, results)]));
}

function resolveText(text: string, results: Record<string, JsonObject>): Json {
  const whole = WHOLE.exec(text);
  if (whole !== null) return lookUp(whole[1] ?? "", whole[2] ?? "", results);
  return text.replace(REFERENCE, (_match, step: string, path: string) => {
    const found = lookUp(step, path, results);
    return typeof found === "string" ? found : JSON.stringify(found);
  });
}

/** What lies at `.ticketId` of a step's result; undefined when that leads to nothing. */
export function valueAt(result: JsonObject | undefined, path: string): Json | undefined {
  let found: Json | undefined = result;
  for (const name of path.slice(1).split(".")) found = isJsonObject(found) ? found[name] : undefined;
  return found === null || found === "" ? undefined : found;
}

function lookUp(step: string, path: string, results: Record<string, JsonObject>): Json {
  const found = valueAt(results[step], path);
  if (found === undefined) {
    throw new Error(`steps.${step}${path} has no value: step "${step}" gave ${JSON.stringify(results[step] ?? null)}`);
  }
  return found;
}
