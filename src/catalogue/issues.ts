/** zod's issues as problems in our words: what is wrong, what would be right, and the nearest known key. */
import type { z } from "zod";
import { isJsonObject, type Json, type JsonObject } from "../contracts/json.ts";
import { nearest, suggest, type PathPart, type Problem } from "./problems.ts";
import type { YamlSource } from "./yaml-source.ts";

type Issue = z.core.$ZodIssue;

/** Problems of one failed parse. `base` is where the parsed value lies in the file. */
export function issuesToProblems(
  source: YamlSource,
  schema: z.ZodType,
  issues: readonly Issue[],
  base: readonly PathPart[] = [],
): Problem[] {
  return leavesOf(issues, [...base]).flatMap((leaf) => explain(source, schema, leaf));
}

interface Leaf {
  issue: Issue;
  /** In the file. */
  path: PathPart[];
  /** In the parsed value. */
  inner: PathPart[];
}

/** Issues at their own places: of a union, those of the branch that the writer came nearest to. */
function leavesOf(issues: readonly Issue[], path: PathPart[], inner: PathPart[] = []): Leaf[] {
  return issues.flatMap((issue) => {
    const leaf = { issue, path: [...path, ...pathOf(issue)], inner: [...inner, ...pathOf(issue)] };
    const branch = issue.code === "invalid_union" && isDefault(issue.message) ? deepest(issue.errors) : [];
    return branch.length > 0 ? leavesOf(branch, leaf.path, leaf.inner) : [leaf];
  });
}

function explain(source: YamlSource, schema: z.ZodType, { issue, path, inner }: Leaf): Problem[] {
  const value = source.json === null ? undefined : valueAt(source.json, path);
  const shown = isSecretPath(path) ? undefined : value;
  if (issue.code === "unrecognized_keys") {
    const known = keysOf(schemaAt(schema, inner));
    return issue.keys.map((key) =>
      source.problem([...path, key], "key", { message: "this key is not known", wouldBeRight: suggest(key, known) }),
    );
  }
  if (value === undefined) {
    return [source.problem(path, "key", { message: "this is missing", wouldBeRight: right(issue, undefined) })];
  }
  return [source.problem(path, "value", { message: wrong(issue), wouldBeRight: right(issue, value), value: shown })];
}

/**
 * A copy as the writer may have meant it, so that what is wrong elsewhere is found in the same go: misspelt keys and words
 * are the nearest known ones, other unknown keys and other wrong words or numbers are left out. Only ever looked at.
 */
export function asMeant(json: Json, schema: z.ZodType, issues: readonly Issue[]): Json {
  const copy = structuredClone(json);
  for (const { issue, path, inner } of leavesOf(issues, [])) {
    if (issue.code === "unrecognized_keys") {
      const [within, known] = [valueAt(copy, path), keysOf(schemaAt(schema, inner))];
      if (isJsonObject(within)) for (const key of issue.keys) rename(within, key, nearest(key, known));
      continue;
    }
    const [within, last] = [valueAt(copy, path.slice(0, -1)), path.at(-1)];
    if (!isJsonObject(within) || typeof last !== "string" || typeof within[last] === "object") continue;
    const word = within[last];
    const choice = issue.code === "invalid_value" ? issue.values.map(String) : [];
    const near = typeof word === "string" ? nearest(word, choice) : null;
    if (near === null) delete within[last];
    else within[last] = near;
  }
  return copy;
}

function rename(within: JsonObject, key: string, name: string | null): void {
  const value = within[key];
  delete within[key];
  if (name !== null && value !== undefined && !Object.hasOwn(within, name)) within[name] = value;
}

function wrong(issue: Issue): string {
  if (issue.code === "too_big") return "this is too much";
  if (issue.code === "too_small") return "this is too little";
  return "this is not right";
}

/** A schema's own `error` text says what would be right; zod's default words are put into ours. */
function right(issue: Issue, value: unknown): string {
  if (!isDefault(issue.message)) return issue.message;
  if (issue.code === "invalid_type") return `${article(issue.expected)} is expected`;
  if (issue.code === "invalid_value") {
    const choice = issue.values.map(String);
    return typeof value === "string" ? suggest(value, choice) : `one of ${choice.join(", ")}`;
  }
  return issue.message.replace(/^(Invalid|Too)[^:]*: /, "").replace(/^expected /, "expected: ");
}

function article(type: string): string {
  const names: Record<string, string> = {
    record: "a mapping",
    object: "a mapping",
    array: "a list",
    boolean: "true or false",
  };
  return names[type] ?? (/^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`);
}

function isDefault(message: string): boolean {
  return /^(Invalid|Too|Unrecognized)/.test(message);
}

function pathOf(issue: Issue): PathPart[] {
  return issue.path.map((part) => (typeof part === "number" ? part : String(part)));
}

/** Of a union's branches, the one that the writer came nearest to. */
function deepest(errors: readonly (readonly Issue[])[]): readonly Issue[] {
  const depth = (issues: readonly Issue[]): number => Math.max(0, ...issues.map((issue) => issue.path.length));
  return [...errors].sort((a, b) => depth(b) - depth(a))[0] ?? [];
}

export function valueAt(json: Json, path: readonly PathPart[]): Json | undefined {
  let value: Json | undefined = json;
  for (const part of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Array.isArray(value) ? value[Number(part)] : Object.hasOwn(value, part) ? value[String(part)] : undefined;
  }
  return value;
}

/** What stands under a name like this may be a secret that somebody wrote out: it is never shown. */
export function isSecretPath(path: readonly PathPart[]): boolean {
  return path.some(
    (part) => typeof part === "string" && /token|passw|secret|api-?key|credential|connections/i.test(part),
  );
}

export interface Definition {
  type: string;
  shape?: Record<string, z.ZodType>;
  element?: z.ZodType;
  valueType?: z.ZodType;
  innerType?: z.ZodType;
  in?: z.ZodType;
  options?: z.ZodType[];
}

/** The definition under optional, default, nullable and pipe wrappers. */
export function definition(schema: z.ZodType | undefined): Definition | undefined {
  let current = schema;
  for (let depth = 0; current !== undefined && depth < 20; depth++) {
    const def = current._zod.def as unknown as Definition;
    const inner = def.innerType ?? def.in;
    if (inner === undefined) return def;
    current = inner;
  }
  return undefined;
}

function schemaAt(schema: z.ZodType, path: readonly PathPart[]): z.ZodType | undefined {
  let current: z.ZodType | undefined = schema;
  for (const part of path) {
    const def = definition(current);
    if (def?.type === "object") current = def.shape?.[String(part)];
    else if (def?.type === "array") current = def.element;
    else if (def?.type === "record") current = def.valueType;
    else if (def?.type === "union") current = def.options?.find((option) => definition(option)?.type === "object");
    else return undefined;
  }
  return current;
}

function keysOf(schema: z.ZodType | undefined): string[] {
  return Object.keys(shapeOf(schema));
}

/** The fields of an object schema; empty for anything else. */
export function shapeOf(schema: z.ZodType | undefined): Record<string, z.ZodType> {
  const def = definition(schema);
  if (def?.type === "union") {
    return Object.fromEntries((def.options ?? []).flatMap((option) => Object.entries(shapeOf(option))));
  }
  return def?.shape ?? {};
}
