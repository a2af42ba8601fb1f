/** What an expression reads and calls, from its syntax tree. */
import type { parse } from "@bufbuild/cel";

type ParsedExpr = ReturnType<typeof parse>;
type Expr = NonNullable<ParsedExpr["expr"]>;

export interface Names {
  /** Free names: `target`, `alert`. */
  roots: string[];
  /** Plain paths from a root, as long as they are plain: `["collected", "disk", "serial"]`. */
  paths: string[][];
  functions: string[];
}

export function namesIn(parsed: ParsedExpr): Names {
  const found = { roots: new Set<string>(), paths: [] as string[][], functions: new Set<string>() };
  if (parsed.expr !== undefined) walk(parsed.expr, new Set(), found);
  return { roots: [...found.roots], paths: found.paths, functions: [...found.functions] };
}

interface Found {
  roots: Set<string>;
  paths: string[][];
  functions: Set<string>;
}

function walk(expression: Expr | undefined, bound: ReadonlySet<string>, found: Found): void {
  if (expression === undefined) return;
  const path = plainPath(expression);
  if (path !== null) {
    const root = path[0] ?? "";
    if (bound.has(root)) return;
    found.roots.add(root);
    found.paths.push(path);
    return;
  }
  const { exprKind } = expression;
  if (exprKind.case === "callExpr" && !isOperator(exprKind.value.function))
    found.functions.add(exprKind.value.function);
  if (exprKind.case !== "comprehensionExpr") {
    for (const child of childrenOf(exprKind)) walk(child, bound, found);
    return;
  }
  const { iterVar, iterVar2, accuVar, iterRange, accuInit, loopCondition, loopStep, result } = exprKind.value;
  const inner = new Set([...bound, iterVar, iterVar2, accuVar]);
  for (const outside of [iterRange, accuInit]) walk(outside, bound, found);
  for (const inside of [loopCondition, loopStep, result]) walk(inside, inner, found);
}

function childrenOf(exprKind: Expr["exprKind"]): (Expr | undefined)[] {
  switch (exprKind.case) {
    case "selectExpr":
      return [exprKind.value.operand];
    case "callExpr":
      return [exprKind.value.target, ...exprKind.value.args];
    case "listExpr":
      return exprKind.value.elements;
    case "structExpr":
      return exprKind.value.entries.flatMap(({ keyKind, value }) => [
        keyKind.case === "mapKey" ? keyKind.value : undefined,
        value,
      ]);
    default:
      return [];
  }
}

/** `a.b["c"]` as a path; null when it is anything else. */
function plainPath(expression: Expr): string[] | null {
  const { exprKind } = expression;
  if (exprKind.case === "identExpr") return [exprKind.value.name.replace(/^\./, "")];
  if (exprKind.case === "selectExpr" && exprKind.value.operand !== undefined) {
    const operand = plainPath(exprKind.value.operand);
    // has(a.b) asks whether b is there: only a must be.
    return operand === null || exprKind.value.testOnly ? operand : [...operand, exprKind.value.field];
  }
  return null;
}

function isOperator(name: string): boolean {
  return !/^[A-Za-z]\w*$/.test(name);
}
