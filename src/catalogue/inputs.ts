/** From what a runbook writes under `with` to what the action's or probe's schema takes. */
import type { z } from "zod";
import type { Json, JsonObject } from "../contracts/json.ts";
import { parseDuration } from "./duration.ts";
import { shapeOf } from "./issues.ts";
import { hasTemplate } from "./template.ts";

export interface Prepared {
  input: JsonObject;
  /** The key as it was written, by the schema's key. */
  writtenAs: Record<string, string>;
  /** Keys (as written) whose value should be a duration and is none. */
  notDurations: string[];
}

/**
 * A number of milliseconds (its name ends in `Ms`, or its description says so) is written as a duration, without the
 * `Ms`: `timeout: 5s` for `timeoutMs`. Templates that are not filled in yet are left as they are.
 */
export function prepareInput(schema: z.ZodType, written: JsonObject, scale: number): Prepared {
  const prepared: Prepared = { input: {}, writtenAs: {}, notDurations: [] };
  for (const [key, value] of Object.entries(written)) {
    const field = fieldOf(schema, key);
    prepared.writtenAs[field.name] = key;
    prepared.input[field.name] = field.isDuration ? toMs(key, value, scale, prepared) : value;
  }
  return prepared;
}

interface Field {
  name: string;
  isDuration: boolean;
}

const fields = new WeakMap<z.ZodType, Map<string, Field>>();

/** What a key stands for. Keys come from the catalogue, so they are few. */
function fieldOf(schema: z.ZodType, key: string): Field {
  const known = fields.get(schema) ?? new Map<string, Field>();
  fields.set(schema, known);
  let field = known.get(key);
  if (field === undefined) {
    const shape = shapeOf(schema);
    const name = !Object.hasOwn(shape, key) && Object.hasOwn(shape, `${key}Ms`) ? `${key}Ms` : key;
    field = { name, isDuration: isDuration(name, shape[name]) };
    known.set(key, field);
  }
  return field;
}

function toMs(key: string, value: Json, scale: number, prepared: Prepared): Json {
  if (hasTemplate(value)) return value;
  const ms = typeof value === "string" ? parseDuration(value, scale) : null;
  if (ms === null) prepared.notDurations.push(key);
  // A stand-in, so that the schema does not complain a second time.
  return ms ?? 1;
}

export function isDuration(name: string, schema: z.ZodType | undefined): boolean {
  if (schema === undefined) return false;
  let current = schema as z.ZodType & { description?: string | undefined };
  let description = current.description ?? "";
  for (let inner = innerOf(current); inner !== undefined; inner = innerOf(current)) {
    current = inner;
    description ||= current.description ?? "";
  }
  return current._zod.def.type === "number" && (/Ms$/.test(name) || /\bmilliseconds\b/.test(description));
}

function innerOf(schema: z.ZodType): z.ZodType | undefined {
  return (schema._zod.def as unknown as { innerType?: z.ZodType }).innerType;
}
