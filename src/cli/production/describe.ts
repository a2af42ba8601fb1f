/** What a person needs to know of a running topology: where everything is, how to try it, how to stop it. */
import { join } from "node:path";
import { table } from "../output.ts";
import type { Service } from "../process/kept-service.ts";
import type { Production } from "./start.ts";
import { SECRET_FILES } from "./topology.ts";

export function describeProduction(production: Production): string {
  const { urls, parts } = production;
  const row = (service: Service, where: string): string[] => [service.name, String(service.pid), where];
  const processes = [
    row(parts.postgres, "databases of Temporal and of the record"),
    row(parts.temporal, urls.temporal),
    row(parts.ui, urls.ui),
    ...parts.apis.map((api, index) => row(api, urls.apis[index] ?? "")),
    ...parts.workers.map((worker, index) => row(worker, urls.health[urls.apis.length + index] ?? "")),
  ];
  const lab = urls.lab === null ? [] : [["lab", "", `${urls.lab} (one disk is failing; its Alertmanager tells us)`]];
  return [table(["process", "pid", "where"], [...processes, ...lab]), "", ...howTo(production)].join("\n");
}

function howTo({ urls, secrets, folder }: Production): string[] {
  const api = urls.apis[0] ?? "";
  const file = (name: keyof typeof SECRET_FILES): string => join(secrets, SECRET_FILES[name]);
  return [
    "Look:",
    `  export SELFHEAL_URL=${api} SELFHEAL_TOKEN_FILE=${file("apiToken")}`,
    "  bin/selfheal remediation list",
    "Send an alert:",
    `  curl -H "Authorization: Bearer $(cat ${file("webhookToken")})" -H 'content-type: application/json' \\`,
    `    ${api}/v1/alerts/alertmanager -d '{"version":"4","alerts":[{"status":"firing","labels":{"alertname":"HostDown",`,
    `    "host":"web-1"},"startsAt":"2026-11-21T02:11:03Z","fingerprint":"0123456789abcdef"}]}'`,
    `Logs: ${join(folder, "log")}`,
    "Kill any of these processes: it is started again. Ctrl-C stops everything in order.",
  ];
}
