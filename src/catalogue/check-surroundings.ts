/** Scopes that windows, objectives and dependencies name: one that nothing has would hold nothing, and nobody would notice. */
import { scopesIn } from "../contracts/scopes.ts";
import { ROOTS } from "./bindings.ts";
import { checkTemplates } from "./check-templates.ts";
import type { JsonObject } from "../contracts/json.ts";
import type { ConfigSpec } from "./grammar/config.ts";
import type { InventorySpec } from "./grammar/inventory.ts";
import { indexOf } from "./inventory.ts";
import type { SlosSpec } from "./grammar/slos.ts";
import { suggest, type Problem } from "./problems.ts";
import type { YamlSource } from "./yaml-source.ts";

interface Sources {
  config: YamlSource | null;
  inventory: YamlSource | null;
  slos?: YamlSource | null;
}
interface Parsed {
  config: ConfigSpec | null;
  inventory: InventorySpec | null;
  slos: SlosSpec | null;
  runbooks: readonly string[];
}

type Path = (string | number)[];

/** Without inventory or configuration nothing is known to compare with. */
export function checkSurroundings(sources: Sources, { config, inventory, slos, runbooks }: Parsed): Problem[] {
  if (config === null || inventory === null || sources.inventory === null) return [];
  const { targets } = indexOf(sources.inventory.json as JsonObject, inventory, config.groups).inventory;
  const known = scopesIn(Object.keys(config.groups), runbooks, targets);
  const unknown = (source: YamlSource | null | undefined, scopes: readonly string[], path: Path): Problem[] =>
    scopes.flatMap((scope, index) => {
      if (!source || known.has(scope)) return [];
      const message = "neither inventory nor selfheal.yaml has this scope";
      return [
        source.problem([...path, index], "value", { message, wouldBeRight: suggest(scope, [...known]), value: scope }),
      ];
    });
  const names = config.windows.map(({ name }) => name);
  return [
    ...config.windows.flatMap(({ scopes }, at) => unknown(sources.config, scopes, ["windows", at, "scopes"])),
    ...names.flatMap((name, at) =>
      names.indexOf(name) === at ? [] : twice(sources.config, ["windows", at, "name"], name),
    ),
    ...Object.entries(slos?.slos ?? {}).flatMap(([name, { scopes, errors }]) => [
      ...unknown(sources.slos, scopes, ["slos", name, "scopes"]),
      ...Object.entries(errors).flatMap(([key, query]) =>
        sources.slos ? checkTemplates(sources.slos, query, ["slos", name, "errors", key], ROOTS) : [],
      ),
    ]),
  ];
}

function twice(source: YamlSource | null, path: Path, value: string): Problem[] {
  if (source === null) return [];
  return [
    source.problem(path, "value", { message: "another window has this name", wouldBeRight: "each name once", value }),
  ];
}
