/** The real processes: `dev` with everything behind it, and what `worker` and `serve` say when something is missing. */
import { spawn, type ChildProcess } from "node:child_process";
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { EventEmitter, once } from "node:events";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { projectPath } from "../../src/config/project.ts";
import { startEmbedded } from "../../src/record/embedded.ts";
import { buildBundle } from "../../src/workers/bundle.ts";
import { freeLowPort } from "../../src/workers/ports.ts";
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
    /** A folder. */
    logs: string;
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
    for (const name of ["serve", "worker"]) {
      // Nobody waits for the disk before he says that all is up.
      await expect
        .poll(() => readFileSync(join(urls.logs, `${name}.log`), "utf8").split("\n")[0])
        .toContain(`"process":"${name}"`);
    }
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
    await Promise.all(pids.map((pid) => untilGone(pid)));
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
      "serve with a database whose URL is wrong",
      ["serve", "--config", "FOLDER", "--db-url", "mysql://selfheal:hunter2@127.0.0.1/selfheal"],
      {},
      3,
      /^selfheal: the record's database .* cannot be used: DATABASE_URL must look like postgres:/,
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

describe("a worker or API that starts before its database and Temporal", () => {
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "selfheal-waits-"));
    chmodSync(folder, 0o711);
    await buildBundle(join(folder, "bundle.js"));
    cpSync(projectPath("docker", "config"), folder, { recursive: true });
    cpSync(projectPath("runbooks"), join(folder, "runbooks"), { recursive: true });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** The log as it comes: `line` resolves with the first one that matches. */
  function follow(child: ChildProcess) {
    const lines: string[] = [];
    const news = new EventEmitter();
    createInterface({ input: child.stderr as Readable }).on("line", (line) => {
      lines.push(line);
      news.emit("line");
    });
    return async (wanted: RegExp): Promise<string> => {
      for (;;) {
        const found = lines.find((line) => wanted.test(line));
        if (found !== undefined) return found;
        if (child.exitCode !== null) throw new Error(`it ended: ${lines.join("\n")}`);
        await Promise.race([once(news, "line"), once(child, "exit")]);
      }
    };
  }

  test("waits for both, alive and not ready, and says for which; a signal ends it", async () => {
    const port = await freeLowPort();
    const url = `postgres://selfheal:hunter2@127.0.0.1:${port}/selfheal`;
    const env = { DATABASE_URL: url, TEMPORAL_ADDRESS: "127.0.0.1:1" };
    const healthPort = await freeLowPort();
    const serve = start(["serve", "--config", folder, "--port", "0"], env);
    const words = [
      "worker",
      "--config",
      folder,
      "--bundle",
      join(folder, "bundle.js"),
      "--health-port",
      String(healthPort),
    ];
    const worker = start(words, env);
    const [serveSays, workerSays] = [follow(serve), follow(worker)];
    const ends = Promise.all([once(serve, "exit"), once(worker, "exit")]);
    const away = /waits for the record's database: .*nothing listens there/;
    const said = await Promise.all([serveSays(away), workerSays(away), serveSays(/alive and not ready/)]);
    expect(said.join()).not.toContain("hunter2");
    const { port: apiPort } = JSON.parse(said[2]) as { port: number };
    const ask = (path: string, at = apiPort, init: RequestInit = {}) => fetch(`http://127.0.0.1:${at}${path}`, init);
    expect((await ask("/healthz")).status).toBe(200);
    expect(await (await ask("/readyz")).json()).toMatchObject({ ready: false, parts: { record: { ready: false } } });
    const alert = await ask("/v1/alerts/alertmanager", apiPort, { method: "POST", body: "{}" });
    expect([alert.status, alert.headers.get("retry-after")]).toEqual([503, "5"]);
    expect(await alert.json()).toMatchObject({ type: "urn:selfheal:problem:unavailable-record", status: 503 });
    expect([(await ask("/healthz", healthPort)).status, (await ask("/readyz", healthPort)).status]).toEqual([200, 503]);
    const measures = await (await ask("/metrics", healthPort)).text();
    expect(measures).toContain('\nselfheal_trace_spans_total{result="lost"} 0\n');

    const database = await startEmbedded({ dataFolder: join(folder, "postgres"), port, settings: { fsync: "off" } });
    try {
      const wrong = new URL(database.url);
      wrong.password = "wrong";
      const refused = ended(
        start(["worker", "--config", folder, "--bundle", join(folder, "bundle.js")], { DATABASE_URL: wrong.href }),
      );
      const right = start(["serve", "--config", folder, "--port", "0"], { ...env, DATABASE_URL: database.url });
      await follow(right)(/waits for the Temporal server: Temporal at 127\.0\.0\.1:1 .* does not answer/);
      right.kill("SIGTERM");
      expect((await once(right, "exit"))[0]).toBe(130);
      expect(await refused).toMatchObject({
        code: 3,
        stderr: expect.stringMatching(/the password was not accepted/) as string,
      });
      // Their password is wrong, too, as they notice now that somebody answers.
      expect(await ends).toEqual([
        [3, null],
        [3, null],
      ]);
    } finally {
      await database.stop();
    }
  });
});

test("output that nobody reads any more ends a command without a word, as `| head` wants it", async () => {
  const child = start(["schema", "config"]);
  child.stdout?.destroy();
  expect(await ended(child)).toEqual({ code: 141, stderr: "" });
});

test("every module of src loads in Node itself, where a CommonJS package has fewer names than in a test", async () => {
  const load = `
    import { globSync } from "node:fs";
    const starts = (file) => file === "src/cli/main.ts" || file.endsWith("-thread.ts");
    for (const file of globSync("src/**/*.ts")) if (!starts(file)) await import("./" + file);
    process.exit(0);`;
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", load], {
    cwd: projectPath(),
    stdio: ["ignore", "ignore", "pipe"],
  });
  expect(await ended(child)).toEqual({ code: 0, stderr: "" });
});
