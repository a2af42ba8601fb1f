/** An Ansible inventory: YAML, the output of `ansible-inventory --list`, or INI. It is read, never run. */
import { z } from "zod";
import { AdapterError } from "../../ports/failure.ts";
import { MOST_FOUND, type FoundTarget } from "../../ports/inventory.ts";
import { readIni } from "./ini.ts";
import { expandHosts } from "./ranges.ts";

/** Variables by host; members and children by group. */
export interface AnsibleGroups {
  hosts: Map<string, Record<string, unknown>>;
  groups: Map<string, { hosts: string[]; children: string[] }>;
}

const vars = z.record(z.string(), z.unknown());
interface YamlGroup {
  hosts?: Record<string, Record<string, unknown> | null> | null | undefined;
  children?: Record<string, YamlGroup | null> | null | undefined;
}
const yamlGroup: z.ZodType<YamlGroup> = z.looseObject({
  hosts: z.record(z.string(), vars.nullable()).nullish(),
  children: z.lazy(() => z.record(z.string(), yamlGroup.nullable())).nullish(),
});
const yaml = z.record(z.string(), yamlGroup.nullable());
const listGroup = z.looseObject({ hosts: z.array(z.string()).default([]), children: z.array(z.string()).default([]) });
const list = z.looseObject({ _meta: z.looseObject({ hostvars: z.record(z.string(), vars) }) });

/** `content`: the parsed file, or its text when it is neither YAML nor JSON. Throws an AdapterError that says why not. */
export function ansibleInventory(content: unknown): FoundTarget[] {
  if (typeof content === "string") return toFound(readIni(content));
  if (list.safeParse(content).success) return toFound(fromList(content as Record<string, unknown>));
  return toFound(fromYaml(parsed(yaml, content)));
}

function fromYaml(top: z.infer<typeof yaml>): AnsibleGroups {
  const made: AnsibleGroups = { hosts: new Map(), groups: new Map() };
  const add = (name: string, group: YamlGroup | null): void => {
    const known = made.groups.get(name) ?? { hosts: [], children: [] };
    made.groups.set(name, known);
    for (const [pattern, own] of Object.entries(group?.hosts ?? {})) {
      for (const host of expandHosts(pattern)) {
        known.hosts.push(host);
        made.hosts.set(host, { ...made.hosts.get(host), ...own });
      }
    }
    for (const [child, inner] of Object.entries(group?.children ?? {})) {
      known.children.push(child);
      add(child, inner);
    }
  };
  for (const [name, group] of Object.entries(top)) add(name, group);
  return made;
}

function fromList(content: Record<string, unknown>): AnsibleGroups {
  const { _meta, ...rest } = content;
  const { hostvars } = parsed(list, { _meta })._meta;
  const groups = Object.entries(rest).map(([name, group]) => [name, parsed(listGroup, group)] as const);
  const hosts = new Map(Object.entries(hostvars));
  for (const [, group] of groups) for (const host of group.hosts) if (!hosts.has(host)) hosts.set(host, {});
  return { hosts, groups: new Map(groups) };
}

function toFound({ hosts, groups }: AnsibleGroups): FoundTarget[] {
  if (hosts.size === 0) throw fault("it has no hosts; right would be an Ansible inventory: YAML, JSON or INI");
  if (hosts.size > MOST_FOUND) throw fault(`it has ${hosts.size} hosts, at most ${MOST_FOUND} are read`);
  const memberships = new Map([...hosts.keys()].map((host) => [host, new Set<string>()]));
  for (const name of groups.keys()) {
    for (const host of membersOf(name, groups, new Set())) memberships.get(host)?.add(name);
  }
  const labelled = [...hosts].map(([name, own]) => {
    const labels = Object.fromEntries(Object.entries(own).flatMap(([key, value]) => asLabel(key, value)));
    return { name, labels, address: labels["ansible_host"] ?? name };
  });
  const users = Map.groupBy(labelled, ({ address }) => address);
  return labelled.map(({ name, labels, address }) => {
    // Each host is a machine: an address that several are reached by (a gateway, ports of one) is the name of none.
    const isOwn = users.get(address)?.length === 1 && !hosts.has(address);
    return { name, aliases: isOwn ? [address] : [], labels, groups: [...(memberships.get(name) ?? [])].sort() };
  });
}

function membersOf(name: string, groups: AnsibleGroups["groups"], seen: Set<string>): string[] {
  if (seen.has(name)) return [];
  seen.add(name);
  const group = groups.get(name);
  return [...(group?.hosts ?? []), ...(group?.children ?? []).flatMap((child) => membersOf(child, groups, seen))];
}

/** A template of Jinja says nothing until Ansible fills it in. */
function asLabel(key: string, value: unknown): [string, string][] {
  if (typeof value === "number" || typeof value === "boolean") return [[key, String(value)]];
  return typeof value === "string" && !value.includes("{{") ? [[key, value]] : [];
}

function parsed<S extends z.ZodType>(schema: S, content: unknown): z.output<S> {
  const result = schema.safeParse(content);
  if (result.success) return result.data;
  const [first] = result.error.issues;
  throw fault(`${first?.path.join(".") ?? ""}: ${first?.message ?? ""}; right would be an Ansible inventory`);
}

function fault(message: string): AdapterError {
  return new AdapterError("permanent", { system: "ansible", operation: "inventory" }, message);
}
