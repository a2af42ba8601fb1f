/** The little of PromQL that the lab speaks: a selector, `timestamp(selector)`, a comparison with a number, a number. */
export interface Matcher {
  label: string;
  operator: "=" | "!=" | "=~" | "!~";
  value: string;
  test: (value: string) => boolean;
}
export type Query =
  | { kind: "scalar"; value: number }
  /** `vector(1)`; null: its time stamp, which is the time of evaluation. */
  | { kind: "constant"; value: number | null }
  | { kind: "vector"; matchers: Matcher[]; timestamp: boolean; keep: ((value: number) => boolean) | null };

const NUMBER = /^[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?$/i;
const COMPARISON = /^(.*?)\s*(==|!=|>=|<=|>|<)\s*([-+]?[\d.]+(?:e[-+]?\d+)?)$/is;
const COMPARE: Record<string, (a: number, b: number) => boolean> = {
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  ">=": (a, b) => a >= b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  "<": (a, b) => a < b,
};

/** Throws an Error whose message Prometheus would give. */
export function parseQuery(query: string): Query {
  const text = query.trim();
  if (text === "") throw new Error("1:1: parse error: no expression found in input");
  if (NUMBER.test(text)) return { kind: "scalar", value: Number(text) };
  const constant = /^vector\s*\(\s*([-+]?[\d.]+)\s*\)$/.exec(text);
  if (constant) return { kind: "constant", value: Number(constant[1]) };
  if (/^timestamp\s*\(\s*vector\s*\([^)]*\)\s*\)$/.test(text)) return { kind: "constant", value: null };
  const comparison = text.endsWith("}") ? null : COMPARISON.exec(text);
  if (comparison && !comparison[1]?.trimEnd().endsWith("{")) {
    const inner = parseQuery(comparison[1] ?? "");
    const compare = COMPARE[comparison[2] ?? ""];
    const bound = Number(comparison[3]);
    if (inner.kind === "vector" && compare) return { ...inner, keep: (value) => compare(value, bound) };
  }
  const call = /^timestamp\s*\((.*)\)$/s.exec(text);
  const selector = (call?.[1] ?? text).trim();
  return { kind: "vector", matchers: parseSelector(selector), timestamp: call !== null, keep: null };
}

function parseSelector(selector: string): Matcher[] {
  const match = /^([a-zA-Z_:][\w:]*)?\s*(?:\{(.*)\})?$/s.exec(selector);
  if (!match) {
    if (selector.includes("{") && !selector.includes("}")) {
      throw new Error(`1:${selector.length + 1}: parse error: unexpected end of input inside braces`);
    }
    throw new Error(`1:1: parse error: the lab speaks selectors only, got ${JSON.stringify(selector)}`);
  }
  const [, name, inside] = match;
  const matchers = parseMatchers(inside ?? "");
  if (name) matchers.unshift(matcher("__name__", "=", name));
  if (!matchers.some((each) => !each.test(""))) {
    throw new Error("1:1: parse error: vector selector must contain at least one non-empty matcher");
  }
  return matchers;
}

/** Also Alertmanager's `filter`. */
export function parseMatchers(inside: string): Matcher[] {
  const matchers: Matcher[] = [];
  let rest = inside.trim();
  while (rest !== "") {
    const match = /^([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)\s*(,\s*|$)/s.exec(
      rest,
    );
    if (!match)
      throw new Error(`1:1: parse error: unexpected character inside braces: ${JSON.stringify(rest.charAt(0))}`);
    const [whole, label = "", operator, quoted = ""] = match;
    matchers.push(matcher(label, operator as Matcher["operator"], unquote(quoted)));
    rest = rest.slice(whole.length);
  }
  return matchers;
}

export function matcher(label: string, operator: Matcher["operator"], value: string): Matcher {
  return { label, operator, value, test: testOf(operator, value) };
}

/** Regular expressions are anchored at both ends. */
function testOf(operator: Matcher["operator"], value: string): (value: string) => boolean {
  if (operator === "=") return (actual) => actual === value;
  if (operator === "!=") return (actual) => actual !== value;
  const pattern = new RegExp(`^(?:${value})$`, "s");
  return operator === "=~" ? (actual) => pattern.test(actual) : (actual) => !pattern.test(actual);
}

function unquote(quoted: string): string {
  const inner = quoted.slice(1, -1);
  if (quoted.startsWith("`")) return inner;
  return inner.replaceAll(/\\(.)/gs, (_, character: string) => ({ n: "\n", t: "\t" })[character] ?? character);
}
