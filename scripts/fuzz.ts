/**
 * `npm run fuzz`: schemathesis against a real `selfheal serve` with a worker, Temporal, PostgreSQL and the lab, by its own
 * `/openapi.json`. It fails on a 5xx, on an answer that is not as it is described, on one that takes too long, and on a
 * stack in any answer. It takes minutes, needs PyPI once, and is no part of `npm test`.
 */
import { spawn, spawnSync } from "node:child_process";
import { createReadStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { withCleanup } from "../src/cli/process/cleanup.ts";
import { note } from "../src/cli/output.ts";
import { projectPath } from "../src/config/project.ts";
import { temporaryFolder } from "../bench/support/folder.ts";
import { until } from "../bench/support/load.ts";
import { withStack, type BenchStack } from "../bench/support/stack.ts";

const HOSTS = 12;
const CHECKS = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_headers_conformance",
  "response_schema_conformance",
];
/** Slower is a hang. */
const LONGEST_SECONDS = 10;
/** A stream has no end, and after the first token nobody is let in without one: both have tests of their own. */
const LEFT_OUT = "^/v1/(events|tokens)$";
const STACK = /\bat [\w.<>]+ \(|file:\/\/|node_modules|node:internal/;

const [examples = "40", ...more] = process.argv.slice(2);

const installed = spawnSync("sh", [projectPath("scripts/fuzz-install.sh")], {
  encoding: "utf8",
  stdio: ["ignore", "pipe", "inherit"],
});
if (installed.status !== 0) process.exit(installed.status ?? 1);
const schemathesis = installed.stdout.trim();

process.exitCode = await withStack(
  { smoke: true, temporal: "memory", say: note },
  { hosts: HOSTS, mode: "review" },
  fuzz,
);

async function fuzz(stack: BenchStack): Promise<number> {
  await stack.startWorker();
  await fetch(`${stack.url}/v1/alerts/alertmanager`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(stack.body(stack.hosts)),
  });
  const waiting = async (): Promise<number> =>
    Number((await stack.database.sql("select count(*)::int as n from remediations where phase = 'approve'"))[0]?.["n"]);
  await until("remediations that wait for an approval", async () => (await waiting()) > 0, { withinMs: 60_000 });
  return withCleanup(async (defer) => {
    const folder = await temporaryFolder(defer);
    const [report, config] = [join(folder, "report.ndjson"), join(folder, "schemathesis.toml")];
    // One that is there: else most of what it sends ends at 404.
    await writeFile(
      config,
      `[parameters]
"path.id" = "${stack.hosts[0] ?? ""}"
`,
    );
    const status = await run(stack.url, report, config);
    const stacks = await stacksIn(report);
    for (const line of stacks.slice(0, 5)) note(`fuzz: a stack in an answer: ${line.slice(0, 500)}`);
    return status === 0 && stacks.length > 0 ? 1 : status;
  });
}

function run(url: string, report: string, config: string): Promise<number> {
  const args = [
    ...[
      "--config-file",
      config,
      "run",
      `${url}/openapi.json`,
      "--checks",
      CHECKS.join(","),
      "--phases",
      "examples,coverage,fuzzing",
    ],
    ...["--max-examples", examples, "--max-response-time", String(LONGEST_SECONDS), "--request-timeout", "20"],
    ...["--exclude-path-regex", LEFT_OUT, "--suppress-health-check", "all", "--continue-on-failure", "--no-color"],
    ...["--report", "ndjson", "--report-ndjson-path", report, ...more],
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(schemathesis, args, { stdio: "inherit", cwd: dirname(report) });
    child.on("error", reject);
    child.on("exit", (code) => resolve(code ?? 1));
  });
}

async function stacksIn(report: string): Promise<string[]> {
  const found: string[] = [];
  for await (const line of createInterface({ input: createReadStream(report) })) {
    for (const body of bodiesIn(JSON.parse(line) as unknown)) if (STACK.test(body)) found.push(body);
  }
  return found;
}

/** Every answer's body, wherever the event has it: base64. */
function* bodiesIn(value: unknown): Generator<string> {
  if (typeof value !== "object" || value === null) return;
  for (const [key, one] of Object.entries(value as Record<string, unknown>)) {
    const content = key === "response" ? (one as { content?: unknown } | null)?.content : undefined;
    if (typeof content === "string") yield Buffer.from(content, "base64").toString();
    else yield* bodiesIn(one);
  }
}
