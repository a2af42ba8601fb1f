import type { z } from "zod";
import type { JsonObject } from "../contracts/json.ts";
import { DURATION_HELP } from "./duration.ts";
import { isDuration, prepareInput } from "./inputs.ts";
import { issuesToProblems, shapeOf, valueAt } from "./issues.ts";
import { suggest, type PathPart, type Problem } from "./problems.ts";
import { hasTemplate } from "./template.ts";
import type { YamlSource } from "./yaml-source.ts";

/** A `with` against the schema of its action or probe. What is a template is checked when it is filled in. */
export function checkInput(
  source: YamlSource,
  schema: z.ZodType,
  written: JsonObject,
  path: readonly PathPart[],
): Problem[] {
  const { input, notDurations, writtenAs } = prepareInput(schema, written, 1);
  const durations = notDurations.map((key) =>
    source.problem([...path, key], "value", {
      message: "this is not a duration",
      wouldBeRight: DURATION_HELP,
      value: written[key],
    }),
  );
  const checked = schema.safeParse(input);
  if (checked.success) return durations;
  const names = writableKeys(schema);
  const others = checked.error.issues.flatMap((issue): Problem[] => {
    if (issue.code === "unrecognized_keys" && issue.path.length === 0) {
      return issue.keys.map((key) => {
        const at = [...path, writtenAs[key] ?? key];
        return source.problem(at, "key", { message: "this key is not known", wouldBeRight: suggest(key, names) });
      });
    }
    const inner = issue.path.map((part) => (typeof part === "number" ? part : String(part)));
    if (hasTemplate(valueAt(input, inner))) return [];
    const [first, ...rest] = inner;
    const shown = first === undefined ? [] : [writtenAs[first] ?? String(first).replace(/Ms$/, ""), ...rest];
    const problems = issuesToProblems(source, schema, [{ ...issue, path: shown }], path);
    if (inner.length !== 1 || !isDuration(String(first), shapeOf(schema)[String(first)])) return problems;
    return problems.map((problem) => ({ ...problem, wouldBeRight: DURATION_HELP }));
  });
  return [...durations, ...others];
}

/** The keys as they are written: durations without their `Ms`. */
export function writableKeys(schema: z.ZodType): string[] {
  return Object.entries(shapeOf(schema)).map(([key, field]) => (isDuration(key, field) ? key.replace(/Ms$/, "") : key));
}
