/** Files as their grammar says they are; what is wrong with them is pushed to `problems`, located. */
import type { z } from "zod";
import type { Known, Written } from "./check-known.ts";
import { checkRunbook } from "./check-runbook.ts";
import { inventorySchema, type InventorySpec } from "./grammar/inventory.ts";
import { runbookSchema } from "./grammar/runbook.ts";
import { parseInventory } from "./inventory.ts";
import { issuesToProblems } from "./issues.ts";
import { asMeant } from "./meant.ts";
import type { Problem } from "./problems.ts";
import type { YamlSource } from "./yaml-source.ts";

/** A runbook's file, and everything that is wrong in it as far as it can be seen without the others. */
export function readRunbook(
  source: YamlSource,
  known: Known,
  team: string | null,
): { written: Written | null; problems: Problem[] } {
  const problems = [...source.problems];
  const spec = parseSource(source, runbookSchema(1), problems);
  if (spec === null) return { written: null, problems };
  problems.push(...checkRunbook(source, spec, known, team));
  return { written: { source, spec, team }, problems };
}

export function parseSource<S extends z.ZodType>(
  source: YamlSource,
  schema: S,
  problems: Problem[],
): z.output<S> | null {
  return source.json === null ? null : parsedOrMeant(source, schema, schema.safeParse(source.json), problems);
}

export function parseTargets(source: YamlSource, problems: Problem[]): InventorySpec | null {
  return source.json === null ? null : parsedOrMeant(source, inventorySchema, parseInventory(source.json), problems);
}

function parsedOrMeant<S extends z.ZodType>(
  source: YamlSource,
  schema: S,
  parsed: z.ZodSafeParseResult<z.output<S>>,
  problems: Problem[],
): z.output<S> | null {
  if (parsed.success) return parsed.data;
  const unread = issuesToProblems(source, schema, parsed.error.issues);
  problems.push(...unread.map((problem) => ({ ...problem, unread: true })));
  return source.json === null ? null : asMeant(source.json, schema);
}
