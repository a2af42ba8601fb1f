/** zod's issues as problems in our words: what is wrong, what would be right, and the nearest known key. */
import type { z } from "zod";
import type { Json } from "../contracts/json.ts";
import { suggest, type PathPart, type Problem } from "./problems.ts";
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

export interface Leaf {
  issue: Issue;
  /** In the file. */
  path: PathPart[];
  /** In the parsed value. */
  inner: PathPart[];
}

/** Issues at their own places: of a union, those of the branch that the writer came nearest to. */
export function leavesOf(issues: readonly Issue[], path: PathPart[], inner: PathPart[] = []): Leaf[] {
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
  entries?: Record<string, string | number>;
  values?: Json[];
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

export function schemaAt(schema: z.ZodType, path: readonly PathPart[]): z.ZodType | undefined {
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

export function keysOf(schema: z.ZodType | undefined): string[] {
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
