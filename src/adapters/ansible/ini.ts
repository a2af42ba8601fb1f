import { AdapterError } from "../../ports/failure.ts";
import type { AnsibleGroups } from "./inventory.ts";
import { expandHosts } from "./ranges.ts";

const SECTION = /^\[([^\]\s:]+)(?::(vars|children))?\]$/;

/** Ansible's INI: `[group]` with a host a line and its variables, `[group:children]`; `[group:vars]` are not read. */
export function readIni(text: string): AnsibleGroups {
  const made: AnsibleGroups = { hosts: new Map(), groups: new Map() };
  let section = { name: "ungrouped", what: "hosts" };
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.replace(/(^|\s)[#;].*$/, "").trim();
    if (line === "") continue;
    if (line.startsWith("[") && line.endsWith("]") && !line.includes("=")) {
      const [, name = "", what = "hosts"] = SECTION.exec(line) ?? [];
      if (name === "") throw wrong(index, line);
      section = { name, what };
      continue;
    }
    const group = made.groups.get(section.name) ?? { hosts: [], children: [] };
    made.groups.set(section.name, group);
    if (section.what === "children") group.children.push(line);
    if (section.what !== "hosts") continue;
    const [pattern = "", ...rest] = line.match(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g) ?? [];
    if (/[=]/.test(pattern) || rest.some((one) => !/^[\w.-]+=/.test(one))) throw wrong(index, line);
    const vars = rest.map((one): [string, string] => {
      const at = one.indexOf("=");
      return [one.slice(0, at), one.slice(at + 1).replace(/^(["'])(.*)\1$/, "$2")];
    });
    for (const host of expandHosts(pattern)) {
      group.hosts.push(host);
      made.hosts.set(host, { ...made.hosts.get(host), ...Object.fromEntries(vars) });
    }
  }
  return made;
}

function wrong(index: number, line: string): AdapterError {
  const message = `line ${index + 1}: ${line.slice(0, 80)}; right would be a host with key=value variables, or [group]`;
  return new AdapterError("permanent", { system: "ansible", operation: "inventory" }, message);
}
