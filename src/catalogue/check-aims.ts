/** A team's runbook may act only on its targets: not on another server, BMC or alert that it names by itself. */
import type { Json } from "../contracts/json.ts";
import type { Known } from "./check-known.ts";
import type { RunbookSpec } from "./grammar/runbook.ts";
import type { PathPart, Problem } from "./problems.ts";
import type { YamlSource } from "./yaml-source.ts";

/** The inventory says these, and it is not the team's. */
const OF_TARGET = /^\s*\$\{\{\s*target\.[\w.]+\s*\}\}\s*$/;

export function checkAims(source: YamlSource, spec: RunbookSpec, { actions }: Known, team: string | null): Problem[] {
  if (team === null) return [];
  const uses: [PathPart[], { uses: string; with: Record<string, Json> }][] = [
    ...spec.collect.map((one, at) => [["collect", at], one] satisfies (typeof uses)[number]),
    ...spec.ladder.flatMap((rung, at) =>
      rung.steps.map((step, index) => [["ladder", at, "steps", index], step] satisfies (typeof uses)[number]),
    ),
  ];
  return uses.flatMap(([path, { uses: name, with: written }]) => {
    const aims = (Object.hasOwn(actions, name) ? actions[name]?.aims : undefined) ?? [];
    return aims.flatMap((field) => {
      const value = Object.hasOwn(written, field) ? written[field] : undefined;
      if (value === undefined || (typeof value === "string" && OF_TARGET.test(value))) return [];
      const message = `a team's runbook acts only on its target, and this may be another`;
      const wouldBeRight = "left out, or a fact of the target alone such as ${{ target.id }}";
      return [source.problem([...path, "with", field], "value", { message, wouldBeRight, value })];
    });
  });
}
