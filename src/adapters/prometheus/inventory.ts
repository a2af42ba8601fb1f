/** Everything that Prometheus scrapes, by the series `up`: one for each target, with its labels. */
import { z } from "zod";
import { MOST_FOUND, type InventoryPort } from "../../ports/inventory.ts";
import { Guarded } from "../guarded.ts";
import { httpJson } from "../http.ts";
import type { PrometheusOptions } from "./metrics.ts";

const answer = z.object({
  status: z.literal("success"),
  data: z.object({
    resultType: z.literal("vector"),
    result: z.array(z.object({ metric: z.record(z.string(), z.string()) })).max(MOST_FOUND),
  }),
});

export function prometheusInventory({ outside, url, token, timeoutMs = 30_000 }: PrometheusOptions): InventoryPort {
  const guarded = new Guarded({ system: "prometheus", clock: outside.clock, timeoutMs, secrets: token ? [token] : [] });
  const headers = (): Record<string, string> => (token ? { authorization: `Bearer ${token.reveal()}` } : {});
  const http = httpJson({ guarded, fetch: outside.fetch, url, headers });
  return {
    async found() {
      const query = { query: "up" };
      const path = "/api/v1/query";
      const { data } = await http({ operation: "targets", kind: "read", method: "GET", path, query, accept: answer });
      return data.result.flatMap(({ metric: { __name__: _, ...labels } }) => {
        const name = labels["instance"] ?? "";
        return name === "" ? [] : [{ name, aliases: [], labels, groups: [] }];
      });
    },
  };
}
