/** The real processes: `dev` with everything behind it, and what `worker` and `serve` say when something is missing. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { projectPath } from "../../src/config/project.ts";
import { buildBundle } from "../../src/workers/bundle.ts";
import { descendants, untilGone } from "../support/processes.ts";

interface Ended {
  code: number | null;
  stderr: string;
}
function start(args: string[], env: Record<string, string> = {}): ChildProcess {
  const { DATABASE_URL: _, TEMPORAL_ADDRESS: __, ...rest } = process.env;
  return spawn(projectPath("bin", "selfheal"), args, {
    env: { ...rest, SELFHEAL_LOG_FORMAT: "json", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}
async function ended(child: ChildProcess): Promise<Ended> {
  const stderr = child.stderr === null ? Promise.resolve("") : text(child.stderr);
  const [code] = (await once(child, "exit")) as [number | null];
  return { code, stderr: await stderr };
}

describe("selfheal dev", () => {
  interface Urls {
    api: string;
    temporal: string;
    temporalUi: string;
    lab: string;
  }
  /** A killed one cannot remove its `--fresh` folder: all of them lie in here. */
  let temporary: string;
  beforeAll(() => {
    temporary = mkdtempSync(join(tmpdir(), "selfheal-dev-test-"));
    // Root's PostgreSQL runs as another user, who must get through.
    chmodSync(temporary, 0o711);
  });
  afterAll(() => rmSync(temporary, { recursive: true, force: true }));

  /** Everything up, as its JSON says. */
  async function dev(): Promise<{ child: ChildProcess; urls: Urls; pids: number[] }> {
    const child = start(["dev", "--json", "--fresh", "--port", "0", "--temporal-port", "0"], { TMPDIR: temporary });
    let out = "";
    let err = "";
    child.stderr?.on("data", (chunk: Buffer) => (err += chunk.toString()));
    const urls = await new Promise<Urls>((resolve, reject) => {
      child.stdout?.on("data", (chunk: Buffer) => {
        out += chunk.toString();
        if (out.trimEnd().endsWith("}")) resolve(JSON.parse(out) as Urls);
      });
      child.once("exit", () => reject(new Error(`dev ended: ${err}`)));
    });
    return { child, urls, pids: descendants(child.pid ?? 0) };
  }

  test("brings everything up, says where, and a Ctrl-C leaves no process behind", async () => {
    const { child, urls, pids } = await dev();
    const answers = await Promise.all(
      [`${urls.api}/readyz`, urls.temporalUi, `${urls.lab}/prometheus/-/ready`].map((url) => fetch(url)),
    );
    // Temporal, PostgreSQL, worker, API: each with its watchdog.
    expect(pids.length).toBeGreaterThanOrEqual(4);
    child.kill("SIGINT");
    const [code] = (await once(child, "exit")) as [number | null];
    expect(code).toBe(0);
    expect(answers.slice(0, 2).map((answer) => answer.status)).toEqual([200, 200]);
    await Promise.all(pids.map((pid) => untilGone(pid)));
  });

  test("killed by SIGKILL, it takes everything with it", async () => {
    const { child, pids } = await dev();
    child.kill("SIGKILL");
    await Promise.all(pids.map((pid) => untilGone(pid, 30_000)));
  });

  test("a port in use is one line with the port and the option, before anything is started", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const { code, stderr } = await ended(start(["dev", "--fresh", "--port", String(port)]));
    server.close();
    expect(code).toBe(3);
    expect(stderr).toMatch(
      new RegExp(`^selfheal: port ${port} for the API is in use .*choose another with --port\\n$`),
    );
  });
});

describe("what a worker or API needs and does not have is one line that names it and says what to do", () => {
  const NOBODY = "127.0.0.1:1";
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "selfheal-processes-"));
    await buildBundle(join(folder, "bundle.js"));
    cpSync(projectPath("docker", "config"), folder, { recursive: true });
    cpSync(projectPath("runbooks"), join(folder, "runbooks"), { recursive: true });
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const databaseUrl = `postgres://selfheal:hunter2@${NOBODY}/selfheal`;

  test.each([
    ["worker without a database", ["worker"], {}, 2, /^selfheal: no database: set DATABASE_URL=/],
    ["serve without a database", ["serve"], {}, 2, /^selfheal: no database: set DATABASE_URL=/],
    [
      "worker without the prebuilt bundle",
      ["worker", "--bundle", "/nowhere/bundle.js"],
      { DATABASE_URL: databaseUrl },
      3,
      /^selfheal: no usable workflow bundle at \/nowhere\/bundle\.js .*`npm run build`/,
    ],
    [
      "serve without a configuration",
      ["serve", "--config", "/nowhere"],
      { DATABASE_URL: databaseUrl },
      2,
      /^selfheal: the catalogue in \/nowhere does not load:\n(.*\n)*.*selfheal\.yaml/,
    ],
    [
      "serve with a database that is not there",
      ["serve", "--config", "FOLDER"],
      { DATABASE_URL: databaseUrl },
      3,
      /^selfheal: the record's database 127\.0\.0\.1:1\/selfheal cannot be used: nothing listens there/,
    ],
    [
      "worker with a database that is not there",
      ["worker", "--config", "FOLDER", "--bundle", "FOLDER/bundle.js"],
      { DATABASE_URL: databaseUrl },
      3,
      /^selfheal: the record's database 127\.0\.0\.1:1\/selfheal cannot be used: nothing listens there/,
    ],
  ])("%s", async (_, args, env: Record<string, string>, status, message) => {
    const placed = args.map((arg) => arg.replace("FOLDER", folder));
    const { code, stderr } = await ended(start(placed, env));
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain("    at ");
    expect(stderr).not.toContain("hunter2");
    expect(code).toBe(status);
  });
});

test("every module of src loads in Node itself, where a CommonJS package has fewer names than in a test", async () => {
  const load = `
    import { globSync } from "node:fs";
    for (const file of globSync("src/**/*.ts")) if (file !== "src/cli/main.ts") await import("./" + file);
    process.exit(0);`;
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", load], {
    cwd: projectPath(),
    stdio: ["ignore", "ignore", "pipe"],
  });
  expect(await ended(child)).toEqual({ code: 0, stderr: "" });
});
