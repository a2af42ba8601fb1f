/**
 * A file as its writer may have meant it, so that what is wrong elsewhere is found in the same go. Only ever looked at:
 * with an error nothing is made of a file, and what is said about a stand-in is left out (`unread` of a problem).
 */
import type { z } from "zod";
import { isJsonObject, type Json } from "../contracts/json.ts";
import { definition, keysOf, leavesOf, schemaAt, valueAt, type Leaf } from "./issues.ts";
import { nearest } from "./problems.ts";

/** A stand-in may bring a mistake to light that it hid before. */
const ROUNDS = 5;
const MAX_DEPTH = 8;
/** One of them fits almost every text or number of the grammars. */
const SIMPLE: readonly Json[] = [
  "unread",
  1,
  true,
  "1h",
  "1 per 1h",
  "1%",
  "2000-01-01",
  "00:00",
  "https://unread.invalid",
  "global",
  "0".repeat(64),
];

/** null: it is too far from what the schema wants. */
export function asMeant<S extends z.ZodType>(json: Json, schema: S): z.output<S> | null {
  const copy = structuredClone(json);
  for (let round = 0; round < ROUNDS; round++) {
    const parsed = schema.safeParse(copy);
    if (parsed.success) return parsed.data;
    const leaves = leavesOf(parsed.error.issues, []);
    // Before all else: what a misspelt key was meant to be is then not missing.
    for (const leaf of leaves) rename(copy, schema, leaf);
    for (const leaf of leaves) standIn(copy, schema, leaf);
  }
  return null;
}

/** A misspelt key is the nearest known one that is not there; any other unknown key is left out. */
function rename(copy: Json, schema: z.ZodType, { issue, path, inner }: Leaf): void {
  if (issue.code !== "unrecognized_keys") return;
  const within = valueAt(copy, path);
  if (within === undefined || !isJsonObject(within)) return;
  const known = keysOf(schemaAt(schema, inner));
  for (const key of issue.keys) {
    const value = within[key];
    const name = nearest(key, known);
    delete within[key];
    if (name !== null && value !== undefined && !Object.hasOwn(within, name)) within[name] = value;
  }
}

/** A wrong word is the nearest right one, one value in a list's place is a list of it, and all else is made up. */
function standIn(copy: Json, schema: z.ZodType, { issue, path, inner }: Leaf): void {
  if (issue.code === "unrecognized_keys") return;
  const [within, last] = [valueAt(copy, path.slice(0, -1)), path.at(-1)];
  if (within === undefined || last === undefined) return;
  const value = valueAt(copy, path);
  const wanted = schemaAt(schema, inner);
  if (value !== undefined && wanted?.safeParse(value).success === true) return;
  const choice = issue.code === "invalid_value" ? issue.values.map(String) : [];
  const near = typeof value === "string" ? nearest(value, choice) : null;
  const found =
    wanted === undefined ? undefined : firstOf(wanted, [near, value === undefined ? null : [value]], MAX_DEPTH);
  if (Array.isArray(within) && typeof last === "number" && found !== undefined) within[last] = found;
  else if (isJsonObject(within) && found !== undefined) within[String(last)] = found;
  else if (isJsonObject(within)) delete within[String(last)];
}

function firstOf(schema: z.ZodType, before: readonly (Json | null)[], depth: number): Json | undefined {
  const fits = (one: Json | null): boolean => one !== null && schema.safeParse(one).success;
  return before.find(fits) ?? made(schema, depth).find(fits) ?? undefined;
}

/** What the schema may take, the likelier first. */
function made(schema: z.ZodType, depth: number): Json[] {
  const def = definition(schema);
  if (def === undefined || depth === 0) return [];
  const one = (inner: z.ZodType | undefined): Json[] => {
    const found = inner === undefined ? undefined : firstOf(inner, [], depth - 1);
    return found === undefined ? [] : [found];
  };
  if (def.type === "object") {
    const needed = Object.entries(def.shape ?? {}).filter(([, field]) => !field.safeParse(undefined).success);
    return [Object.fromEntries(needed.flatMap(([key, field]) => one(field).map((value) => [key, value])))];
  }
  if (def.type === "array") return [one(def.element), []];
  if (def.type === "record") return [{}, Object.fromEntries(one(def.valueType).map((value) => ["unread", value]))];
  if (def.type === "union") return (def.options ?? []).flatMap((option) => made(option, depth - 1));
  if (def.type === "enum") return Object.values(def.entries ?? {});
  if (def.type === "literal") return [...(def.values ?? [])];
  return [...SIMPLE];
}
