/** What an Alertmanager has at the moment: also of Prometheus servers that one did not ask. */
import { z } from "zod";
import type { Outside } from "../../ports/ports.ts";
import type { Secret } from "../../ports/secret.ts";
import { Guarded } from "../guarded.ts";
import { httpJson } from "../http.ts";

const answer = z.array(z.object({ labels: z.record(z.string(), z.string()), startsAt: z.string() }));

/** Throws an AdapterError. */
export async function activeAlerts(options: {
  url: string;
  token?: Secret | undefined;
  outside: Outside;
}): Promise<{ labels: Record<string, string>; startsAt: number }[]> {
  const { url, token, outside } = options;
  const guarded = new Guarded({
    system: "alertmanager",
    clock: outside.clock,
    timeoutMs: 10_000,
    secrets: token ? [token] : [],
  });
  const headers = (): Record<string, string> => (token ? { authorization: `Bearer ${token.reveal()}` } : {});
  const http = httpJson({ guarded, fetch: outside.fetch, url, headers });
  const call = { operation: "alerts", kind: "read", method: "GET", path: "/api/v2/alerts", accept: answer } as const;
  const alerts = await http(call);
  return alerts.map(({ labels, startsAt }) => ({ labels, startsAt: Date.parse(startsAt) }));
}
