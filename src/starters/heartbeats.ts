/** Which sources must send a heartbeat. */
import type { Catalogue } from "../catalogue/catalogue.ts";

export function heartbeatsOf({
  sources,
}: Pick<Catalogue, "sources">): { source: string; alertname: string; withinMs: number }[] {
  return Object.entries(sources).flatMap(([source, { heartbeat }]) =>
    heartbeat === undefined ? [] : [{ source, alertname: heartbeat.alertname, withinMs: heartbeat.within }],
  );
}
