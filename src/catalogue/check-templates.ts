import { isJsonObject, type Json } from "../contracts/json.ts";
import { checkExpression, evaluateCondition, isConstant, pathsIn, typeOfExpression } from "./expression.ts";
import { withArticle, type TypeAt } from "./expression-type.ts";
import { suggest, type PathPart, type Problem } from "./problems.ts";
import { isUnclosed, stepReference, templatesIn, usesSteps } from "./template.ts";
import type { YamlSource } from "./yaml-source.ts";

/** What templates may refer to, beside the roots: fields of evidence and of earlier steps, by id. */
export interface Scope {
  /** Fields of each `collect` id; null fields: not known, so not checked. */
  collected?: Readonly<Record<string, readonly string[] | null>>;
  steps?: Readonly<Record<string, readonly string[] | null>>;
  /** Steps of the rung that come later, for a better message. */
  laterSteps?: readonly string[];
  /** Names under `values` in selfheal.yaml; left out: not known. */
  values?: readonly string[] | undefined;
  /** Types of what expressions read; left out: none is known. */
  typeAt?: TypeAt;
  /** The one thing that a condition may always be. */
  always?: boolean;
}

/** Every template in a value, wherever it is nested. */
export function checkTemplates(
  source: YamlSource,
  value: Json,
  path: readonly PathPart[],
  roots: readonly string[],
  scope: Scope = {},
): Problem[] {
  if (Array.isArray(value))
    return value.flatMap((item, index) => checkTemplates(source, item, [...path, index], roots, scope));
  if (isJsonObject(value)) {
    return Object.entries(value).flatMap(([key, item]) => checkTemplates(source, item, [...path, key], roots, scope));
  }
  if (typeof value !== "string") return [];
  if (isUnclosed(value)) {
    return [source.problem(path, "value", { message: "${{ is not closed", wouldBeRight: "${{ expression }}", value })];
  }
  return templatesIn(value).flatMap((expression) => checkOne(source, expression, path, roots, scope));
}

function checkOne(
  source: YamlSource,
  expression: string,
  path: readonly PathPart[],
  roots: readonly string[],
  scope: Scope,
): Problem[] {
  const problem = (message: string, wouldBeRight: string): Problem[] => [
    source.problem(path, "value", { message, wouldBeRight, value: `\${{ ${expression} }}` }),
  ];
  if (usesSteps(expression)) {
    if (scope.steps === undefined) return problem("steps are not known here", `one of ${roots.join(", ")}`);
    const reference = stepReference(expression);
    if (reference === null)
      return problem("a step's result can only be named, not calculated with", "${{ steps.<id>.<field> }}");
    return fieldProblem(scope.steps, "step", reference.step, reference.path[0] ?? "", scope.laterSteps, problem);
  }
  const wrong = checkExpression(expression, roots);
  if (wrong !== null) return problem(wrong.message, wrong.wouldBeRight);
  const { mistakes } = typeOfExpression(expression, scope.typeAt ?? (() => null));
  const types = mistakes.flatMap((mistake) => problem(mistake, "two of one type"));
  return [...checkPaths(expression, scope, problem), ...types];
}

type Make = (message: string, wouldBeRight: string) => Problem[];

/** Paths into evidence and values that cannot exist. */
function checkPaths(expression: string, scope: Scope, problem: Make): Problem[] {
  return pathsIn(expression).flatMap(([root, id, field]) => {
    if (id === undefined) return [];
    if (root === "collected" && scope.collected !== undefined) {
      return fieldProblem(scope.collected, "collect", id, field ?? null, undefined, problem);
    }
    if (root === "config" && scope.values !== undefined && !scope.values.includes(id)) {
      return problem(`selfheal.yaml has no value ${id}`, suggest(id, scope.values));
    }
    return [];
  });
}

function fieldProblem(
  known: Readonly<Record<string, readonly string[] | null>>,
  what: "step" | "collect",
  id: string,
  field: string | null,
  later: readonly string[] | undefined,
  problem: Make,
): Problem[] {
  if (!Object.hasOwn(known, id)) {
    if (later?.includes(id)) return problem(`step ${id} comes later`, "a step of this rung that comes before");
    return problem(`there is no ${what} ${id} before this`, suggest(id, Object.keys(known)));
  }
  const fields = known[id];
  if (fields === undefined || fields === null || field === null || fields.includes(field)) return [];
  return problem(`${what} ${id} gives no ${field}`, suggest(field, fields));
}

/** A condition that is an expression by itself, such as `require`. */
export function checkCondition(
  source: YamlSource,
  text: string,
  path: readonly PathPart[],
  roots: readonly string[],
  scope: Scope = {},
): Problem[] {
  const problem: Make = (message, wouldBeRight) => [
    source.problem(path, "value", { message, wouldBeRight, value: text }),
  ];
  const wrong = checkExpression(text, roots);
  if (wrong !== null) return problem(wrong.message, wrong.wouldBeRight);
  return [...checkPaths(text, scope, problem), ...checkTruth(text, scope, problem)];
}

function checkTruth(text: string, { typeAt = () => null, always }: Scope, problem: Make): Problem[] {
  const { type, mistakes } = typeOfExpression(text, typeAt);
  if (mistakes.length > 0) return mistakes.flatMap((mistake) => problem(mistake, "two of one type"));
  if (type !== "boolean" && type !== null) {
    return problem(`this gives ${withArticle(type)}, not true or false`, "a comparison, such as a == b");
  }
  const fixed = isConstant(text) ? evaluateCondition(text, {}) : null;
  if (fixed?.ok !== true || fixed.value === always) return [];
  return problem(`this is always ${fixed.value}`, "a condition over what is known here");
}
