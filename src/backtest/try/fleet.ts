/** A catalogue for a fleet of which only its alerts are known: the runbooks as they are, and targets made of labels. */
import {
  catalogueFromContent,
  versionOf,
  type Actions,
  type Catalogue,
  type Content,
} from "../../catalogue/catalogue.ts";
import { normaliseName } from "../../catalogue/identity.ts";
import type { JsonObject } from "../../contracts/json.ts";

/** Labels that commonly name a machine. */
const NAMING = ["host", "hostname", "node", "instance"];

/** The name of what an alert is about, by its labels alone; null: none of them says. */
export function nameOf(labels: Record<string, string>): string | null {
  for (const label of NAMING) {
    const name = normaliseName(labels[label] ?? "", []);
    if (name !== "") return name;
  }
  return null;
}

/** `runbooks`: as they are written. Nothing is known of a target but its name and its job. */
export function fleetOf(seen: Iterable<Record<string, string>>, runbooks: JsonObject[], actions: Actions): Catalogue {
  const targets = new Map<string, { group: string }>();
  for (const labels of seen) {
    const id = nameOf(labels);
    if (id === null) continue;
    const group = (labels["job"] ?? "")
      .replaceAll(/[^A-Za-z0-9._-]/g, "-")
      .replace(/^[^A-Za-z0-9]+/, "")
      .slice(0, 100);
    if (!targets.has(id)) targets.set(id, { group: group === "" ? "unknown" : group });
  }
  const content: Content = {
    schema: 1,
    timeScale: 1,
    config: { ...CONFIG, groups: groupsOf([...targets.values()].map(({ group }) => group)) },
    inventory: {
      apiVersion: "selfheal/v1",
      kind: "Inventory",
      targets: [...targets].flatMap(([id, { group }]) => (/^\S{1,253}$/.test(id) ? [{ kind: "host", id, group }] : [])),
    },
    runbooks,
  };
  return catalogueFromContent(content as unknown as JsonObject, versionOf(content), actions);
}

function groupsOf(names: string[]): JsonObject {
  return Object.fromEntries([...new Set(names)].map((name) => [name, { owner: "unknown" }]));
}

const CONFIG: JsonObject = {
  apiVersion: "selfheal/v1",
  kind: "Config",
  mode: "auto",
  probes: {
    "host.ready": {
      uses: "tcp.connect",
      with: { host: "${{ target.id }}", port: 22 },
      states: { healthy: "connected", unhealthy: "!connected" },
    },
  },
  slis: { "pool-availability": { query: "up", better: "higher", worseBy: 0.05 } },
};
