/** The rules and dashboards in deploy/ on a real Prometheus that scrapes a running demo; and promtool's word on the rules. */
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { chmod, readdir } from "node:fs/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { projectPath } from "../../src/config/project.ts";
import { answers, eventually, freePort, installed, start, temporaryFolder, type Running } from "./support/process.ts";

const prometheusBinary = installed("prometheus", "/usr/bin/prometheus");
const promtool = installed("promtool", "/usr/bin/promtool");
const run = promisify(execFile);
const RULES = projectPath("deploy/prometheus/selfheal.rules.yml");

interface Answer {
  status: string;
  data: { result: { metric: Record<string, string>; value: [number, string] }[] };
  error?: string;
  warnings?: string[];
}

describe.skipIf(promtool === null)("promtool", () => {
  it("finds nothing wrong with the rules", async () => {
    const { stdout } = await run(promtool ?? "", ["check", "rules", RULES]);
    expect(stdout).toContain("SUCCESS");
  });

  it("sees every alert quiet when it should be, and firing when it should", async () => {
    const { stdout } = await run(promtool ?? "", ["test", "rules", projectPath("deploy/prometheus/selfheal.test.yml")]);
    expect(stdout).toContain("SUCCESS");
  });
});

describe.skipIf(prometheusBinary === null)("a Prometheus that scrapes a running demo", () => {
  const closers: (() => Promise<void>)[] = [];
  let prometheus: string;
  let demo: Running;

  beforeAll(async () => {
    const [place, api, web] = [await temporaryFolder("monitoring-rules"), await freePort(), await freePort()];
    await chmod(place.path, 0o711);
    closers.push(() => place.remove());
    prometheus = `http://127.0.0.1:${web}`;
    demo = await start(
      projectPath("bin/selfheal"),
      ["demo", "--hosts", "2", "--port", String(api), "--temporal-port", "0"],
      { ready: () => answers(`http://127.0.0.1:${api}/readyz`), withinMs: 120_000, stopWithinMs: 60_000 },
    );
    closers.push(() => demo.stop());
    await writeFile(
      `${place.path}/prometheus.yml`,
      `global: { scrape_interval: 1s, scrape_timeout: 900ms, evaluation_interval: 1s }
rule_files: [${RULES}]
scrape_configs: [{ job_name: selfheal, static_configs: [{ targets: ["127.0.0.1:${api}"] }] }]
`,
    );
    const args = [
      `--config.file=${place.path}/prometheus.yml`,
      `--storage.tsdb.path=${place.path}/data`,
      `--web.listen-address=127.0.0.1:${web}`,
    ];
    const server = await start(prometheusBinary ?? "", args, { ready: () => answers(`${prometheus}/-/ready`) });
    closers.push(() => server.stop());
    // The measures are read each minute, and the sweeper goes round a minute after the worker is up.
    await eventually(async () => {
      for (const metric of [
        'selfheal_remediations_closed_30d{outcome="healed"}',
        "selfheal_sweep_last_timestamp_seconds",
      ]) {
        expect(await series(metric), `${metric}\n${demo.output()}`).not.toEqual([]);
      }
    }, 240_000);
  }, 400_000);

  afterAll(async () => {
    for (const close of closers.toReversed()) await close();
  }, 90_000);

  async function ask(query: string): Promise<Answer> {
    const response = await fetch(`${prometheus}/api/v1/query?${new URLSearchParams({ query }).toString()}`);
    return (await response.json()) as Answer;
  }
  const series = async (query: string) => (await ask(query)).data.result;

  it("takes every expression of every dashboard, and most of them have something to show", async () => {
    const files = await readdir(projectPath("deploy/grafana"));
    const empty: string[] = [];
    for (const file of files) {
      const board = JSON.parse(await readFile(projectPath("deploy/grafana", file), "utf8")) as {
        panels: { title: string; targets: { expr: string }[] }[];
      };
      for (const { title, targets } of board.panels) {
        for (const { expr } of targets) {
          const answer = await ask(expr.replaceAll("$runbook", ".*").replaceAll("$group", ".*"));
          expect({ title, ...answer }).toMatchObject({ status: "success" });
          expect(answer.warnings ?? []).toEqual([]);
          if (answer.data.result.length === 0) empty.push(`${file}: ${title}`);
        }
      }
    }
    // Nothing waits, nothing failed, nothing was cut off: only what shows that may be empty.
    const mayBeEmpty = /waits|Found by|shortened|Open remediations|SLO|M1\.critical/;
    expect(empty.filter((one) => !mayBeEmpty.test(one))).toEqual([]);
  });

  it("evaluates every rule without an error, and of a demo in good health only the watchdog fires", async () => {
    const response = await fetch(`${prometheus}/api/v1/rules?type=alert`);
    const { data } = (await response.json()) as {
      data: { groups: { rules: { name: string; health: string; lastError?: string; state: string }[] }[] };
    };
    const rules = data.groups.flatMap((group) => group.rules);
    expect(rules.filter(({ health }) => health !== "ok")).toEqual([]);
    expect(rules.length).toBeGreaterThan(10);
    expect(rules.filter(({ state }) => state === "firing").map(({ name }) => name)).toEqual(["Watchdog"]);
  });
});
