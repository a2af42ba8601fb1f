/** Prometheus and Alertmanager with the rule and the receiver of examples/first-remediation, in short intervals. */
import { readFile, writeFile } from "node:fs/promises";
import { parseDocument } from "yaml";
import { answers, freePort, installed, start, temporaryFolder } from "./process.ts";

const prometheus = installed("prometheus", "/usr/bin/prometheus");
const alertmanager = installed("alertmanager", "/usr/bin/prometheus-alertmanager");
export const monitoringInstalled = prometheus !== null && alertmanager !== null;

export interface MonitoringOptions {
  /** The folder with rules.yml and alertmanager.yml. */
  example: string;
  /** host:port of each host's exporter. */
  exporters: Record<string, string>;
  /** host:port of HAProxy's exporter. */
  haproxy: string;
  webhook: { url: string; token: string };
}

export interface Monitoring {
  prometheus: string;
  alertmanager: string;
  /** The one number of an expression; null while there is none. */
  value(query: string): Promise<number | null>;
  silences(): Promise<{ status: { state: string }; matchers: { name: string; value: string }[] }[]>;
  alerts(): Promise<{ labels: Record<string, string>; status: { state: string } }[]>;
  close(): Promise<void>;
}

export async function startMonitoring(options: MonitoringOptions): Promise<Monitoring> {
  const folder = await temporaryFolder("monitoring");
  const [one, other] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
  await writeFile(`${folder.path}/token`, options.webhook.token, { mode: 0o600 });
  await writeFile(`${folder.path}/alertmanager.yml`, await receiver(options, `${folder.path}/token`));
  await writeFile(`${folder.path}/rules.yml`, await rules(options));
  await writeFile(`${folder.path}/prometheus.yml`, scraping(options, other));
  const storage = (name: string): string =>
    `--storage.${name === "alertmanager" ? "" : "tsdb."}path=${folder.path}/${name}`;
  const second = await start(
    alertmanager ?? "",
    [
      `--config.file=${folder.path}/alertmanager.yml`,
      storage("alertmanager"),
      `--web.listen-address=${other}`,
      "--cluster.listen-address=",
    ],
    { ready: () => answers(`http://${other}/-/ready`) },
  );
  const first = await start(
    prometheus ?? "",
    [`--config.file=${folder.path}/prometheus.yml`, storage("prometheus"), `--web.listen-address=${one}`],
    { ready: () => answers(`http://${one}/-/ready`) },
  );
  const get = async <T>(url: string): Promise<T> => (await (await fetch(url)).json()) as T;
  return {
    prometheus: `http://${one}`,
    alertmanager: `http://${other}`,
    async value(query) {
      const { data } = await get<{ data: { result: { value: [number, string] }[] } }>(
        `http://${one}/api/v1/query?${new URLSearchParams({ query }).toString()}`,
      );
      const found = data.result[0]?.value[1];
      return found === undefined ? null : Number(found);
    },
    silences: () => get(`http://${other}/api/v2/silences`),
    alerts: () => get(`http://${other}/api/v2/alerts`),
    async close() {
      await first.stop();
      await second.stop();
      await folder.remove();
    },
  };
}

async function receiver({ example, webhook }: MonitoringOptions, tokenFile: string): Promise<string> {
  const document = parseDocument(await readFile(`${example}/alertmanager.yml`, "utf8"));
  const route = ["route", "routes", 0];
  document.setIn([...route, "group_wait"], "1s");
  document.setIn([...route, "group_interval"], "1s");
  document.setIn([...route, "repeat_interval"], "2s");
  const hook = ["receivers", 1, "webhook_configs", 0];
  document.setIn([...hook, "url"], `${webhook.url}/v1/alerts/alertmanager`);
  document.setIn([...hook, "http_config", "authorization", "credentials_file"], tokenFile);
  return document.toString();
}

async function rules({ example }: MonitoringOptions): Promise<string> {
  const document = parseDocument(await readFile(`${example}/rules.yml`, "utf8"));
  document.setIn(["groups", 0, "rules", 1, "for"], "1s");
  return document.toString();
}

function scraping({ exporters, haproxy }: MonitoringOptions, alertmanagerAddress: string): string {
  const hosts = Object.entries(exporters).map(([host, address]) => ({ targets: [address], labels: { host } }));
  // JSON is YAML.
  return JSON.stringify({
    global: { scrape_interval: "500ms", scrape_timeout: "400ms", evaluation_interval: "500ms" },
    rule_files: ["rules.yml"],
    alerting: { alertmanagers: [{ static_configs: [{ targets: [alertmanagerAddress] }] }] },
    scrape_configs: [
      { job_name: "smartctl", static_configs: hosts },
      { job_name: "haproxy", static_configs: [{ targets: [haproxy] }] },
    ],
  });
}
