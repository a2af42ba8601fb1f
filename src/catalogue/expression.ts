/** Conditions and values in CEL. Numbers of ours are CEL doubles: `target.diskCount == 1` holds, sums need `1.0`. */
import {
  celEnv,
  isCelError,
  isCelList,
  isCelMap,
  isCelUint,
  parse,
  plan,
  type CelInput,
  type CelResult,
} from "@bufbuild/cel";
import type { Json, JsonObject } from "../contracts/json.ts";
import { namesIn, type Names } from "./expression-names.ts";
import { typeOf, type TypeAt, type Typed } from "./expression-type.ts";
import { suggest } from "./problems.ts";

export type Evaluated = { ok: true; value: Json } | { ok: false; reason: string };

type Program =
  | { ok: true; run: (bindings: JsonObject) => CelResult; names: Names; parsed: ReturnType<typeof parse> }
  | { ok: false; reason: string };

const ENV = celEnv();
/** Expressions come from the catalogue, so they are few; the bound only guards against a leak. */
const MAX_PROGRAMS = 10_000;
const programs = new Map<string, Program>();

function compile(text: string): Program {
  const known = programs.get(text);
  if (known !== undefined) return known;
  if (programs.size >= MAX_PROGRAMS) programs.clear();
  const program = compileAfresh(text);
  programs.set(text, program);
  return program;
}

function compileAfresh(text: string): Program {
  try {
    const parsed = parse(text);
    const run = plan(ENV, parsed) as (bindings: Record<string, CelInput>) => CelResult;
    return { ok: true, run: (bindings) => run(bindings), names: namesIn(parsed), parsed };
  } catch (error) {
    return { ok: false, reason: reasonOf(error) };
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof RangeError) return "it is nested too deeply";
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/^<input>:/, "").replace(/(but expecting .{60}).*$/s, "$1…");
}

/** Why an expression can never be evaluated over these roots, or null when it can. */
export function checkExpression(
  text: string,
  roots: readonly string[],
): { message: string; wouldBeRight: string } | null {
  const program = compile(text);
  if (!program.ok) return { message: `the expression does not parse: ${program.reason}`, wouldBeRight: "valid CEL" };
  for (const root of program.names.roots) {
    if (!roots.includes(root)) return { message: `${root} is not known here`, wouldBeRight: suggest(root, roots) };
  }
  for (const called of program.names.functions) {
    if (ENV.funcs.find(called) === undefined) {
      return {
        message: `CEL has no function ${called}()`,
        wouldBeRight: "e.g. size(), contains(), startsWith(), matches()",
      };
    }
  }
  return null;
}

/** What it gives, and what in it can never be right; nothing of one that does not parse. */
export function typeOfExpression(text: string, typeAt: TypeAt): Typed {
  const program = compile(text);
  return program.ok ? typeOf(program.parsed, typeAt) : { type: null, mistakes: [] };
}

/** Reads nothing, so that it always gives the same. */
export function isConstant(text: string): boolean {
  const program = compile(text);
  return program.ok && program.names.roots.length === 0;
}

/** Plain paths (`collected.disk.serial`) that an expression reads, for checks against what exists. */
export function pathsIn(text: string): string[][] {
  const program = compile(text);
  return program.ok ? program.names.paths : [];
}

/** The roots that an expression reads: `collected` of `collected.disk.serial`. */
export function rootsIn(text: string): readonly string[] {
  const program = compile(text);
  return program.ok ? program.names.roots : [];
}

/** Never throws; whatever goes wrong is a reason. */
export function evaluate(text: string, bindings: JsonObject): Evaluated {
  const program = compile(text);
  if (!program.ok) return program;
  try {
    const result = program.run(bindings);
    if (isCelError(result)) return { ok: false, reason: `${text}: ${result.message}` };
    return { ok: true, value: toJson(result) };
  } catch (error) {
    return { ok: false, reason: `${text}: ${reasonOf(error)}` };
  }
}

/** A condition: anything but true or false is an error. */
export function evaluateCondition(
  text: string,
  bindings: JsonObject,
): { ok: true; value: boolean } | { ok: false; reason: string } {
  const result = evaluate(text, bindings);
  if (!result.ok) return result;
  if (typeof result.value === "boolean") return { ok: true, value: result.value };
  return { ok: false, reason: `${text} gives ${JSON.stringify(result.value)}, not true or false` };
}

function toJson(value: unknown): Json {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "bigint") return whole(value);
  if (typeof value === "number") {
    if (Number.isFinite(value)) return value;
    throw new Error(`${value} is not a finite number`);
  }
  if (isCelUint(value)) return whole(value.value);
  if (isCelList(value) || Array.isArray(value)) return [...value].map(toJson);
  if (isCelMap(value)) return fromEntries([...value.entries()]);
  if (typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype)
    return fromEntries(Object.entries(value));
  throw new Error("the value is no text, number, list or mapping");
}

function fromEntries(entries: Iterable<readonly [unknown, unknown]>): JsonObject {
  return Object.fromEntries([...entries].map(([key, item]) => [String(key), toJson(item)]));
}

function whole(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER)) {
    throw new Error(`${value} is too large`);
  }
  return Number(value);
}
