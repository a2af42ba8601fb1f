/**
 * What another system knows of machines, into an inventory that people write. Nothing that stands there is changed or
 * taken away, no comment and no line: fields that are missing are filled in, names are added, new targets come last, sorted.
 */
import { isIP } from "node:net";
import { isDeepStrictEqual } from "node:util";
import { isCollection, isSeq, parse, parseDocument, type Document, type YAMLMap, type YAMLSeq } from "yaml";
import type { Json } from "../contracts/json.ts";
import type { FoundTarget } from "../ports/inventory.ts";
import { API_VERSION } from "./grammar/common.ts";
import { inventorySchema, type InventorySpec, type TargetSpec } from "./grammar/inventory.ts";
import { normaliseDomains, normaliseName } from "./identity.ts";
import { indexInventory } from "./inventory.ts";
import { formatProblem } from "./problems.ts";
import { parseTargets } from "./read-runbook.ts";
import { withAdditions, type Addition } from "./yaml-append.ts";
import { readYaml } from "./yaml-source.ts";

/** Fields of a target that a label may say. */
export const FIELDS = ["group", "rack", "region", "owner", "service"] as const;
export type Field = (typeof FIELDS)[number];

export interface MergeOptions {
  /** Of all that were found. */
  kind: string;
  /** One: of everybody without another. Several: the system's own group that is among them. */
  groups: readonly string[];
  /** Which label says a field. */
  fields: Partial<Record<Field, string>>;
  /** Labels that become labels of the target. */
  labels: readonly string[];
  /** Only what has all of these. */
  only: Readonly<Record<string, string>>;
  /** Taken off the end of names, beside those of the inventory. */
  domains: readonly string[];
}

export interface Merged {
  text: string;
  added: string[];
  filledIn: string[];
  /** Targets of this kind that the inventory has and the system does not know: they stay. */
  notFound: string[];
}

/** Nothing was merged: each says what is wrong and what would be right. */
export class CannotMerge extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

/** `existing`: null for a new file. The same again changes nothing. Throws CannotMerge. */
export function mergeInventory(existing: string | null, found: readonly FoundTarget[], options: MergeOptions): Merged {
  const before = existing === null ? null : parsed(existing);
  const domains = normaliseDomains([...(before?.domains ?? []), ...options.domains]);
  const problems: string[] = [];
  const wanted = union(
    found.filter((one) => has(one, options.only)),
    domains,
  );
  const facts = wanted.flatMap((one) => factsOf(one, options, problems) ?? []);
  const document = parseDocument(existing ?? emptyInventory(domains));
  const report: Omit<Merged, "text"> = { added: [], filledIn: [], notFound: [] };
  const seen = new Set<number>();
  const additions: Addition[] = [];
  for (const fact of facts.sort((a, b) => (a.id < b.id ? -1 : 1))) {
    const mine = placesOf(before?.targets ?? [], fact, options.kind, domains);
    const [at, ...others] = mine;
    if (at === undefined) {
      if (fact.group === undefined)
        problems.push(`${fact.id} is in no group: say --group NAME, or --field group=LABEL`);
      else additions.push(addTarget(document, { kind: options.kind, ...fact }));
      report.added.push(fact.id);
    } else if (others.length > 0) {
      const ids = mine.map((one) => before?.targets[one]?.id).join(" and ");
      problems.push(`${fact.names.join(", ")} is one machine there, but ${ids} of the inventory: correct its aliases`);
    } else {
      seen.add(at);
      const filled = fillIn(document, at, before?.targets[at], fact, domains);
      if (filled.length > 0) report.filledIn.push(before?.targets[at]?.id ?? "");
      additions.push(...filled);
    }
  }
  if (problems.length > 0) throw new CannotMerge(problems);
  const text = (existing === null ? null : added(existing, additions, document)) ?? document.toString({ lineWidth: 0 });
  parsed(text);
  report.notFound = (before?.targets ?? []).flatMap(({ kind, id }, at) =>
    kind === options.kind && !seen.has(at) ? [id] : [],
  );
  return { text, ...report };
}

/** null: it does not come out as the document says, so that all of it must be printed anew. */
function added(existing: string, additions: readonly Addition[], document: Document): string | null {
  if (additions.length === 0) return existing;
  const text = withAdditions(existing, additions);
  try {
    return text !== null && isDeepStrictEqual(parse(text), document.toJS()) ? text : null;
  } catch {
    return null;
  }
}

function emptyInventory(domains: readonly string[]): string {
  const list = domains.length === 0 ? "" : `domains: [${domains.join(", ")}]\n`;
  return `apiVersion: ${API_VERSION}\nkind: Inventory\n${list}targets: []\n`;
}

/** With every mistake, also of what the merge itself made. */
function parsed(text: string): InventorySpec {
  const source = readYaml("inventory.yaml", new TextEncoder().encode(text));
  const problems = [...source.problems];
  const spec = parseTargets(source, problems);
  if (spec === null || problems.length > 0) throw new CannotMerge(problems.map(formatProblem));
  const { clashes } = indexInventory(spec, {});
  if (clashes.length > 0) {
    throw new CannotMerge(
      clashes.map(
        ({ at, written, other }) => `${written} of ${spec.targets[at]?.id} is also a name of ${other || "nobody"}`,
      ),
    );
  }
  return inventorySchema.parse(source.json);
}

function has({ labels }: FoundTarget, only: MergeOptions["only"]): boolean {
  return Object.entries(only).every(([label, value]) => Object.hasOwn(labels, label) && labels[label] === value);
}

interface Machine {
  /** Normalised, sorted: names before addresses. */
  names: string[];
  found: FoundTarget[];
}

/** What shares a name is one machine: two exporters on two ports of it, a name and its address. */
function union(found: readonly FoundTarget[], domains: readonly string[]): Machine[] {
  const byName = new Map<string, Machine>();
  for (const one of found) {
    const names = [one.name, ...one.aliases].map((name) => normaliseName(name, domains)).filter((name) => name !== "");
    const known = new Set(names.flatMap((name) => byName.get(name) ?? []));
    const all = [...known].flatMap((machine) => machine.names);
    const machine: Machine = {
      names: [...new Set([...names, ...all])].sort(byKind),
      found: [...[...known].flatMap((other) => other.found), one],
    };
    for (const name of machine.names) byName.set(name, machine);
  }
  return [...new Set(byName.values())];
}

function byKind(a: string, b: string): number {
  return Number(isIP(a) !== 0) - Number(isIP(b) !== 0) || (a < b ? -1 : 1);
}

interface Facts {
  id: string;
  names: string[];
  group?: string;
  rack?: string;
  region?: string;
  owner?: string;
  services: string[];
  labels: Record<string, string>;
}

function factsOf({ names, found }: Machine, options: MergeOptions, problems: string[]): Facts | null {
  const [id] = names;
  if (id === undefined) return null;
  const one = (what: string, values: readonly string[], right: string): string | undefined => {
    const distinct = [...new Set(values)].sort();
    if (distinct.length > 1) problems.push(`${id} has more than one ${what}: ${distinct.join(", ")}; ${right}`);
    return distinct[0];
  };
  const said = (label: string): string[] =>
    found
      .flatMap(({ labels }) => (Object.hasOwn(labels, label) ? (labels[label] ?? "") : []))
      .filter((value) => value !== "");
  const field = (name: Field): string | undefined => {
    const label = options.fields[name];
    return label === undefined
      ? undefined
      : one(`${name} (label ${label})`, said(label), "leave the others out with --only LABEL=VALUE");
  };
  const [only] = options.groups;
  const listed = found.flatMap(({ groups }) => groups.filter((group) => options.groups.includes(group)));
  const group =
    field("group") ?? (options.groups.length > 1 ? one("group", listed, "name groups that do not overlap") : only);
  const service = field("service");
  const labels = options.labels.flatMap((label) => {
    const value = one(`value of ${label}`, said(label), "leave the label out");
    return value === undefined ? [] : [[label, value] as const];
  });
  const facts = { group, rack: field("rack"), region: field("region"), owner: field("owner") };
  const known = Object.entries(facts).filter(([, value]) => value !== undefined);
  return {
    id,
    names,
    ...Object.fromEntries(known),
    services: service === undefined ? [] : [service],
    labels: Object.fromEntries(labels),
  };
}

/** Where the inventory has a target of this kind by one of the names. */
function placesOf(
  targets: readonly TargetSpec[],
  { names }: Facts,
  kind: string,
  domains: readonly string[],
): number[] {
  return targets.flatMap((target, at) =>
    target.kind === kind && [target.id, ...target.aliases].some((name) => names.includes(normaliseName(name, domains)))
      ? [at]
      : [],
  );
}

function targetsOf(document: Document): YAMLSeq {
  const targets = document.get("targets");
  if (isSeq(targets)) return targets;
  const made = document.createNode([]);
  document.set("targets", made);
  return made;
}

function addTarget(
  document: Document,
  { kind, id, names, services, labels, ...fields }: Facts & { kind: string },
): Addition {
  const aliases = names.filter((name) => name !== id);
  const targets = targetsOf(document);
  targets.flow = false;
  const value = {
    kind,
    id,
    ...(aliases.length === 0 ? {} : { aliases }),
    ...fields,
    ...(services.length === 0 ? {} : { services }),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
  };
  const node = document.createNode(value) as YAMLMap;
  for (const list of ["aliases", "services"]) {
    const held = node.get(list);
    if (isSeq(held)) held.flow = true;
  }
  targets.add(node);
  return { path: ["targets"], key: null, value };
}

/** Only what is missing: what was. */
function fillIn(
  document: Document,
  at: number,
  before: TargetSpec | undefined,
  facts: Facts,
  domains: readonly string[],
): Addition[] {
  const { names, services, labels } = facts;
  const target = ["targets", at];
  const additions: Addition[] = [];
  const add = (addition: Addition): void => {
    const { path, key, value } = addition;
    additions.push(addition);
    if (key === null) document.addIn(path, document.createNode(value));
    else document.setIn([...path, key], document.createNode(value));
  };
  /** One by one into what is there, or all at once. */
  const addAll = (field: string, entries: readonly Addition[], whole: Json): void => {
    if (entries.length === 0) return;
    if (isCollection(document.getIn([...target, field], true))) entries.forEach(add);
    else add({ path: target, key: field, value: whole });
  };
  for (const field of ["rack", "region", "owner"] as const) {
    const value = facts[field];
    if (value !== undefined && !document.hasIn([...target, field])) add({ path: target, key: field, value });
  }
  if (services.length > 0 && !document.hasIn([...target, "services"]))
    add({ path: target, key: "services", value: services });
  const missing = Object.entries(labels).filter(([label]) => !document.hasIn([...target, "labels", label]));
  const newLabels = missing.map(([key, value]) => ({ path: [...target, "labels"], key, value }));
  addAll("labels", newLabels, Object.fromEntries(missing));
  const known = [before?.id ?? "", ...(before?.aliases ?? [])].map((name) => normaliseName(name, domains));
  const others = names.filter((one) => !known.includes(one));
  const newNames = others.map((value) => ({ path: [...target, "aliases"], key: null, value }));
  addAll("aliases", newNames, others);
  return additions;
}
