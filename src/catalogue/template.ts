/**
 * `${{ … }}` in values. A value that is one template keeps its type; inside a text it is put in as text. A template
 * that gives nothing (missing, null, empty) is an error: no target, server or node name is ever made of nothing.
 */
import { isJsonObject, type Json, type JsonObject } from "../contracts/json.ts";
import { evaluate, pathsIn, rootsIn } from "./expression.ts";

export type Filled = { ok: true; value: Json } | { ok: false; reason: string };

const TEMPLATE = /\$\{\{([\s\S]*?)\}\}/g;
/** Must stay equal to what workflows/references.ts resolves. */
const STEP_REFERENCE = /^\s*steps\.([A-Za-z0-9_-]+)((?:\.[A-Za-z0-9_-]+)+)\s*$/;

export function templatesIn(text: string): string[] {
  return [...text.matchAll(TEMPLATE)].map((match) => (match[1] ?? "").trim());
}

export function hasTemplate(value: Json | undefined): boolean {
  if (typeof value === "string") return value.includes("${{");
  if (Array.isArray(value)) return value.some(hasTemplate);
  return isJsonObject(value) && Object.values(value).some(hasTemplate);
}

/** Every text in a value, however deep. */
export function textsIn(value: Json | undefined): string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return isJsonObject(value) ? Object.values(value).flatMap(textsIn) : [];
}

/** `${{` without its `}}`. */
export function isUnclosed(text: string): boolean {
  return text.replace(TEMPLATE, "").includes("${{");
}

export interface StepReference {
  step: string;
  /** At least one field. */
  path: string[];
}

export function stepReference(expression: string): StepReference | null {
  const match = STEP_REFERENCE.exec(expression);
  return match === null ? null : { step: match[1] ?? "", path: (match[2] ?? "").slice(1).split(".") };
}

export function usesSteps(expression: string): boolean {
  return /^\s*steps\b/.test(expression) || pathsIn(expression).some((path) => path[0] === "steps");
}

export interface FillOptions {
  /** Makes a value safe inside a text, e.g. inside a string of PromQL. Not used when the template is the whole value. */
  escape?: (text: string) => string;
  /** Leave `${{ steps.… }}` for the workflow. */
  keepSteps?: boolean;
  /** Leave what needs evidence as it is written: for a plan that is only looked at before the evidence is read. */
  keepCollected?: boolean;
}

function isKept(expression: string, { keepSteps, keepCollected }: FillOptions): boolean {
  if (keepSteps === true && stepReference(expression) !== null) return true;
  return keepCollected === true && rootsIn(expression).includes("collected");
}

export function fill(value: Json, bindings: JsonObject, options: FillOptions = {}): Filled {
  if (typeof value === "string") return fillText(value, bindings, options);
  if (Array.isArray(value)) return fillAll(value, (item) => fill(item, bindings, options));
  if (!isJsonObject(value)) return { ok: true, value };
  const filled = fillAll(Object.values(value), (item) => fill(item, bindings, options));
  if (!filled.ok) return filled;
  const values = filled.value as Json[];
  return { ok: true, value: Object.fromEntries(Object.keys(value).map((key, index) => [key, values[index] ?? null])) };
}

function fillAll(items: Json[], one: (item: Json) => Filled): Filled {
  const values: Json[] = [];
  for (const item of items) {
    const filled = one(item);
    if (!filled.ok) return filled;
    values.push(filled.value);
  }
  return { ok: true, value: values };
}

interface Text {
  templates: string[];
  isUnclosed: boolean;
  /** Nothing stands beside its one template. */
  isWhole: boolean;
}

/** Texts come from the catalogue, so they are few; the bound only guards against a leak. */
const MAX_TEXTS = 10_000;
const texts = new Map<string, Text>();

function textOf(text: string): Text {
  const known = texts.get(text);
  if (known !== undefined) return known;
  const templates = templatesIn(text);
  const isWhole = templates.length === 1 && text.trim().replace(TEMPLATE, "") === "";
  const made = { templates, isUnclosed: isUnclosed(text), isWhole };
  if (texts.size >= MAX_TEXTS) texts.clear();
  texts.set(text, made);
  return made;
}

function fillText(text: string, bindings: JsonObject, options: FillOptions): Filled {
  if (!text.includes("${{")) return { ok: true, value: text };
  const { templates, isUnclosed: isOpen, isWhole } = textOf(text);
  if (isOpen) return { ok: false, reason: `${text} has a \${{ without its }}` };
  if (isWhole) return fillOne(templates[0] ?? "", bindings, options);
  let failed: string | null = null;
  const kept: string[] = [];
  const filled = text.replace(TEMPLATE, (whole, expression: string) => {
    const one = fillOne(expression.trim(), bindings, options);
    if (!one.ok) failed ??= one.reason;
    if (!one.ok) return whole;
    if (isKept(expression.trim(), options)) {
      kept.push(expression.trim());
      return whole;
    }
    const plain = typeof one.value === "string" ? one.value : JSON.stringify(one.value);
    return options.escape ? options.escape(plain) : plain;
  });
  if (failed !== null) return { ok: false, reason: failed };
  // As in fillOne; here the parts of one may also come from a value and from what stands beside it.
  const isOwn = !isUnclosed(filled) && templatesIn(filled).join("\n") === kept.join("\n");
  return isOwn ? { ok: true, value: filled } : { ok: false, reason: `${text} gives a text that is itself a template` };
}

function fillOne(expression: string, bindings: JsonObject, options: FillOptions): Filled {
  if (isKept(expression, options)) return { ok: true, value: `\${{ ${expression} }}` };
  const result = evaluate(expression, bindings);
  if (!result.ok) return { ok: false, reason: `\${{ ${expression} }} has no value: ${result.reason}` };
  const { value } = result;
  if (value === null || (typeof value === "string" && value.trim() === "")) {
    return { ok: false, reason: `\${{ ${expression} }} gives ${value === null ? "null" : "an empty text"}` };
  }
  // A label could carry a template of its own, which the workflow would then resolve.
  if (hasTemplate(value)) return { ok: false, reason: `\${{ ${expression} }} gives a text that is itself a template` };
  return { ok: true, value };
}

/** For a value inside a PromQL string in double quotes. */
export function escapePromql(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
