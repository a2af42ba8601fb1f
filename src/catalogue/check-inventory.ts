/** What the grammar of inventory.yaml cannot say. */
import { scopeOf } from "../contracts/ids.ts";
import type { ConfigSpec } from "./grammar/config.ts";
import type { InventorySpec } from "./grammar/inventory.ts";
import type { NameClash } from "./inventory.ts";
import { suggest, type PathPart, type Problem } from "./problems.ts";
import { NOT_IN_CONFIG, unknownGroup } from "./unknown-group.ts";
import type { YamlSource } from "./yaml-source.ts";

export function checkInventory(
  source: YamlSource,
  spec: InventorySpec,
  clashes: readonly NameClash[],
  config: ConfigSpec | null,
): Problem[] {
  const same = clashes.map(({ at, alias, written, other }) =>
    source.problem(["targets", at, ...(alias === null ? ["id"] : ["aliases", alias])], "value", {
      message: other === "" ? "nothing is left of this name" : `this name is also one of ${other}`,
      wouldBeRight: "a name that is one target's only",
      value: written,
    }),
  );
  const places = [...checkPlaces(source, spec), ...checkDependencies(source, spec, config)];
  if (config === null) return [...same, ...places];
  const { groups } = config;
  const strangers = spec.targets.flatMap(({ group }, index) =>
    unknownGroup(source, { group, path: ["targets", index, "group"], groups }, NOT_IN_CONFIG),
  );
  return [...same, ...strangers, ...places];
}

/** A rack that is written wrong is a failure domain of its own: its caps would count nobody. */
function checkPlaces(source: YamlSource, { targets, racks, regions, services }: InventorySpec): Problem[] {
  const known = { rack: Object.keys(racks), region: Object.keys(regions), service: Object.keys(services) };
  const check = (what: keyof typeof known, name: string | null | undefined, path: PathPart[]): Problem[] => {
    if (typeof name !== "string" || known[what].length === 0 || known[what].includes(name)) return [];
    const message = `there is no such ${what} under ${what}s`;
    return [source.problem(path, "value", { message, wouldBeRight: suggest(name, known[what]), value: name })];
  };
  return [
    ...Object.entries(racks).flatMap(([name, { region }]) => check("region", region, ["racks", name, "region"])),
    ...targets.flatMap(({ rack, region, services: used }, at) => [
      ...check("rack", rack, ["targets", at, "rack"]),
      ...check("region", region, ["targets", at, "region"]),
      ...used.flatMap((service, index) => check("service", service, ["targets", at, "services", index])),
    ]),
  ];
}

/** What nobody has can never be in work, so that a dependency on it would hold nothing back. */
function checkDependencies(source: YamlSource, spec: InventorySpec, config: ConfigSpec | null): Problem[] {
  const written = dependenciesOf(spec);
  if (written.length === 0) return [];
  const known = new Set([
    ...Object.keys(config?.groups ?? {}).map(scopeOf.group),
    ...Object.keys(spec.racks).map(scopeOf.rack),
    ...Object.keys(spec.regions).map(scopeOf.region),
    ...Object.keys(spec.services).map(scopeOf.service),
    ...spec.targets.flatMap(({ rack, region, services, group, ...target }) => [
      scopeOf.target(target),
      scopeOf.group(group),
      ...(rack === null ? [] : [scopeOf.rack(rack)]),
      ...(region === null ? [] : [scopeOf.region(region)]),
      ...services.map(scopeOf.service),
    ]),
  ]);
  return written.flatMap(({ scope, self, path }) => {
    if (scope === self) {
      const what = { message: "this depends on itself", wouldBeRight: "something else, or nothing", value: scope };
      return [source.problem(path, "value", what)];
    }
    if (known.has(scope)) return [];
    const alike = [...known].filter((one) => one.startsWith(`${scope.split(":", 1)[0]}:`)).sort();
    const what = {
      message: "nothing of the inventory has this scope",
      wouldBeRight: suggest(scope, alike),
      value: scope,
    };
    return [source.problem(path, "value", what)];
  });
}

interface Dependency {
  scope: string;
  /** The scope of what depends on it. */
  self: string;
  path: PathPart[];
}

function dependenciesOf({ racks, regions, services, targets }: InventorySpec): Dependency[] {
  const of = (self: string, needs: readonly string[], path: PathPart[]): Dependency[] =>
    needs.map((scope, index) => ({ scope, self, path: [...path, "dependsOn", index] }));
  return [
    ...Object.entries(racks).flatMap(([name, one]) => of(scopeOf.rack(name), one.dependsOn, ["racks", name])),
    ...Object.entries(regions).flatMap(([name, one]) => of(scopeOf.region(name), one.dependsOn, ["regions", name])),
    ...Object.entries(services).flatMap(([name, one]) => of(scopeOf.service(name), one.dependsOn, ["services", name])),
    ...targets.flatMap((one, at) => of(scopeOf.target(one), one.dependsOn, ["targets", at])),
  ];
}
