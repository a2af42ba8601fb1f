/**
 * What an expression gives, as far as that can be known without values: so that `require: target.group` is a mistake
 * when the file is written, not when a disk fails. null is not known, and never a mistake.
 */
import type { parse } from "@bufbuild/cel";

type ParsedExpr = ReturnType<typeof parse>;
type Expr = NonNullable<ParsedExpr["expr"]>;
type Call = Extract<Expr["exprKind"], { case: "callExpr" }>["value"];

export type Type = "boolean" | "number" | "text" | "list" | "mapping" | "null" | null;
/** The type of a plain path such as `["target", "group"]`. */
export type TypeAt = (path: readonly string[]) => Type;

export interface Typed {
  type: Type;
  /** Comparisons and calculations that can never be right. */
  mistakes: string[];
}

export function typeOf(parsed: ParsedExpr, typeAt: TypeAt): Typed {
  const mistakes: string[] = [];
  return { type: walk(parsed.expr, typeAt, mistakes), mistakes };
}

const CONSTANTS: Record<string, Type> = {
  ...{ boolValue: "boolean", stringValue: "text", nullValue: "null" },
  ...{ doubleValue: "number", int64Value: "number", uint64Value: "number" },
};
const GIVES: Record<string, Type> = {
  ...{ "_==_": "boolean", "_!=_": "boolean", "_<_": "boolean", "_<=_": "boolean", "_>_": "boolean", "_>=_": "boolean" },
  ...{ "_&&_": "boolean", "_||_": "boolean", "!_": "boolean", "@in": "boolean" },
  ...{ matches: "boolean", contains: "boolean", startsWith: "boolean", endsWith: "boolean", bool: "boolean" },
  ...{ size: "number", int: "number", uint: "number", double: "number", string: "text" },
};
const LOGIC = ["_&&_", "_||_", "!_"];
const COMPARES = ["_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_"];
const CALCULATES = ["_+_", "_-_", "_*_", "_/_", "_%_"];

function walk(expression: Expr | undefined, typeAt: TypeAt, mistakes: string[]): Type {
  if (expression === undefined) return null;
  const { exprKind } = expression;
  switch (exprKind.case) {
    case "constExpr":
      return CONSTANTS[exprKind.value.constantKind.case ?? ""] ?? null;
    case "listExpr":
      for (const element of exprKind.value.elements) walk(element, typeAt, mistakes);
      return "list";
    case "structExpr":
      return "mapping";
    case "selectExpr":
      if (exprKind.value.testOnly) return "boolean";
      return atPath(expression, typeAt);
    case "identExpr":
      return atPath(expression, typeAt);
    case "callExpr":
      return call(exprKind.value, typeAt, mistakes);
    default:
      // A comprehension binds names of its own: what they hold is not known.
      return null;
  }
}

function atPath(expression: Expr, typeAt: TypeAt): Type {
  const path = pathOf(expression);
  return path === null ? null : typeAt(path);
}

function pathOf({ exprKind }: Expr): string[] | null {
  if (exprKind.case === "identExpr") return [exprKind.value.name.replace(/^\./, "")];
  if (exprKind.case !== "selectExpr" || exprKind.value.operand === undefined) return null;
  const operand = pathOf(exprKind.value.operand);
  return operand === null ? null : [...operand, exprKind.value.field];
}

function call({ function: name, target, args }: Call, typeAt: TypeAt, mistakes: string[]): Type {
  if (target !== undefined) walk(target, typeAt, mistakes);
  const types = args.map((arg) => walk(arg, typeAt, mistakes));
  const known = types.filter((type) => type !== null);
  if (LOGIC.includes(name)) {
    const wrong = known.find((type) => type !== "boolean");
    if (wrong !== undefined) mistakes.push(`${sign(name)} takes true or false, and this is ${withArticle(wrong)}`);
  }
  const [first, second] = types;
  const differ = first !== second && known.length === 2 && !known.includes("null");
  if (COMPARES.includes(name) && differ) {
    mistakes.push(`${withArticle(first ?? null)} is compared with ${withArticle(second ?? null)} (${sign(name)})`);
  }
  if (CALCULATES.includes(name)) {
    if (differ)
      mistakes.push(
        `${sign(name)} takes two of one type, and these are ${withArticle(first ?? null)} and ${withArticle(second ?? null)}`,
      );
    return differ ? null : (known[0] ?? null);
  }
  if (name === "-_") return "number";
  if (name === "_?_:_") return types[1] === types[2] ? (types[1] ?? null) : null;
  return GIVES[name] ?? null;
}

function sign(name: string): string {
  return name.replaceAll("_", "");
}

export function withArticle(type: Type): string {
  if (type === "boolean") return "true or false";
  return type === "null" || type === null ? "nothing" : `a ${type}`;
}
