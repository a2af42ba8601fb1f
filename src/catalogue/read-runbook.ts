/** Files as their grammar says they are; what is wrong with them is pushed to `problems`, located. */
import type { z } from "zod";
import type { Known, Written } from "./check-known.ts";
import { checkRunbook } from "./check-runbook.ts";
import { inventorySchema, type InventorySpec } from "./grammar/inventory.ts";
import { runbookSchema } from "./grammar/runbook.ts";
import { parseInventory } from "./inventory.ts";
import { asMeant, issuesToProblems } from "./issues.ts";
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
  if (source.json === null) return null;
  const parsed = schema.safeParse(source.json);
  if (parsed.success) return parsed.data;
  problems.push(...issuesToProblems(source, schema, parsed.error.issues));
  // With an error the catalogue is not made: this is only looked at, for what else is wrong.
  const meant = schema.safeParse(asMeant(source.json, schema, parsed.error.issues));
  return meant.success ? meant.data : null;
}

export function parseTargets(source: YamlSource, problems: Problem[]): InventorySpec | null {
  if (source.json === null) return null;
  const parsed = parseInventory(source.json);
  if (parsed.success) return parsed.data;
  problems.push(...issuesToProblems(source, inventorySchema, parsed.error.issues));
  return null;
}
