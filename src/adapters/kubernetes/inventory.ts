/** The nodes of a Kubernetes cluster: from its API, or from what `kubectl get nodes -o json` wrote. */
import { z } from "zod";
import { AdapterError } from "../../ports/failure.ts";
import { MOST_FOUND, type FoundTarget, type InventoryPort } from "../../ports/inventory.ts";
import type { Outside } from "../../ports/ports.ts";
import type { Secret } from "../../ports/secret.ts";
import { Guarded } from "../guarded.ts";
import { httpJson } from "../http.ts";

const node = z.object({
  metadata: z.object({ name: z.string().min(1), labels: z.record(z.string(), z.string()).default({}) }),
  status: z.object({ addresses: z.array(z.object({ address: z.string() })).default([]) }).default({ addresses: [] }),
});
const nodes = z.object({
  kind: z.enum(["NodeList", "List"]),
  metadata: z.object({ continue: z.string().default("") }).default({ continue: "" }),
  items: z.array(node).max(MOST_FOUND),
});

export interface KubernetesOptions {
  /** Of the API server, or of `kubectl proxy`. */
  url: string;
  token?: Secret | undefined;
  outside: Outside;
}

const PAGE = 500;

export function kubernetesInventory({ outside, url, token }: KubernetesOptions): InventoryPort {
  const secrets = token ? [token] : [];
  const guarded = new Guarded({ system: "kubernetes", clock: outside.clock, timeoutMs: 30_000, secrets });
  const headers = (): Record<string, string> => (token ? { authorization: `Bearer ${token.reveal()}` } : {});
  const http = httpJson({ guarded, fetch: outside.fetch, url, headers });
  return {
    async found() {
      const all: FoundTarget[] = [];
      for (let next: string | null = null; next !== "" && all.length < MOST_FOUND;) {
        const query: Record<string, string> = { limit: String(PAGE), ...(next === null ? {} : { continue: next }) };
        const path = "/api/v1/nodes";
        const page = await http({ operation: "nodes", kind: "read", method: "GET", path, query, accept: nodes });
        all.push(...page.items.map(toFound));
        next = page.metadata.continue;
      }
      return all;
    },
  };
}

/** The parsed file. Throws an AdapterError that says where it is something else. */
export function kubernetesNodes(content: unknown): FoundTarget[] {
  const parsed = nodes.safeParse(content);
  if (parsed.success) return parsed.data.items.map(toFound);
  const [first] = parsed.error.issues;
  const message = `${first?.path.join(".") ?? ""}: ${first?.message ?? ""}; right would be the output of kubectl get nodes -o json`;
  throw new AdapterError("permanent", { system: "kubernetes", operation: "nodes" }, message);
}

function toFound({ metadata, status }: z.infer<typeof node>): FoundTarget {
  const aliases = status.addresses.map(({ address }) => address).filter((address) => address !== metadata.name);
  return { name: metadata.name, aliases: [...new Set(aliases)], labels: metadata.labels, groups: [] };
}
