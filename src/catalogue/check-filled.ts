/** A value that is one template keeps its type: is that the type which its field takes? */
import type { z } from "zod";
import type { JsonObject } from "../contracts/json.ts";
import type { Scope } from "./check-templates.ts";
import { typeOfExpression } from "./expression.ts";
import { withArticle, type Type } from "./expression-type.ts";
import { prepareInput } from "./inputs.ts";
import type { PathPart, Problem } from "./problems.ts";
import { stepReference, templatesIn } from "./template.ts";
import { schemaType } from "./types-known.ts";
import type { YamlSource } from "./yaml-source.ts";

export interface FilledScope extends Scope {
  /** Output schemas of the steps before, by id. */
  outputs?: Readonly<Record<string, z.ZodType | null>>;
}

export function checkFilled(
  source: YamlSource,
  schema: z.ZodType,
  written: JsonObject,
  path: readonly PathPart[],
  scope: FilledScope,
): Problem[] {
  const { writtenAs } = prepareInput(schema, written, 1);
  return Object.entries(writtenAs).flatMap(([field, key]) => {
    const value = written[key];
    const [expression, ...more] = typeof value === "string" ? templatesIn(value) : [];
    if (typeof value !== "string" || expression === undefined || more.length > 0 || !isWhole(value)) return [];
    const given = typeOfTemplate(expression, scope);
    // A duration is written as text, whatever the field holds afterwards.
    const taken = field === key ? schemaType(schema, [field]) : null;
    if (given === null || given === "null" || taken === null || given === taken) return [];
    const what = {
      message: `this gives ${withArticle(given)}`,
      wouldBeRight: `${withArticle(taken)} is expected`,
      value,
    };
    return [source.problem([...path, key], "value", what)];
  });
}

function isWhole(text: string): boolean {
  return /^\s*\$\{\{[^}]*\}\}\s*$/.test(text);
}

function typeOfTemplate(expression: string, { typeAt = () => null, outputs = {} }: FilledScope): Type {
  const reference = stepReference(expression);
  if (reference === null) return typeOfExpression(expression, typeAt).type;
  return Object.hasOwn(outputs, reference.step) ? schemaType(outputs[reference.step], reference.path) : null;
}
