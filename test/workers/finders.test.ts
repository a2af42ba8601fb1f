import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readEnv, type Env } from "../../src/config/env.ts";
import { downloadExecutable } from "../../src/workers/download.ts";
import { findTemporalCli, judgeVersion, obtainTemporalCli } from "../../src/workers/temporal-cli.ts";
import { findTemporalTools, obtainTemporalTools } from "../../src/workers/temporal-server-tools.ts";
import { findTestServer, obtainTestServer } from "../../src/workers/test-server.ts";

let folder: string;
let env: Env;
let said: string[];
let server: Server | undefined;
const log = (line: string): void => void said.push(line);
/** Nothing listens on port 1: as good as offline. */
const OFFLINE = "http://127.0.0.1:1";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "selfheal-finders-"));
  mkdirSync(join(folder, "bin"));
  env = readEnv({ XDG_CACHE_HOME: join(folder, "cache"), PATH: join(folder, "bin") });
  said = [];
});
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
  rmSync(folder, { recursive: true });
});

function script(path: string, body: string): string {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return path;
}
const onPath = (name: string, body: string): string => script(join(folder, "bin", name), body);

describe("the dev server", () => {
  const NEW = 'echo "temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)"';
  const OLD = 'echo "temporal version 0.9.0 (Server 1.20.1, UI 2.10.3)"';

  test("is the one that SELFHEAL_TEMPORAL_CLI names, before one on PATH", async () => {
    onPath("temporal", NEW);
    const named = script(join(folder, "mine"), "true");
    expect(await findTemporalCli({ ...env, SELFHEAL_TEMPORAL_CLI: named })).toEqual({
      path: named,
      from: "environment",
    });
  });

  test("a SELFHEAL_TEMPORAL_CLI that cannot be run is an error, not passed over", async () => {
    const named = { ...env, SELFHEAL_TEMPORAL_CLI: "/nowhere/temporal" };
    await expect(findTemporalCli(named)).rejects.toThrow(
      "SELFHEAL_TEMPORAL_CLI=/nowhere/temporal is not an executable",
    );
  });

  test("is the one on PATH, unless its server is too old", async () => {
    const cached = script(join(folder, "cache/selfheal/bin/temporal"), "true");
    const path = onPath("temporal", NEW);
    expect(await findTemporalCli(env)).toEqual({ path, from: "path" });
    onPath("temporal", OLD);
    expect(await findTemporalCli(env, log)).toEqual({ path: cached, from: "cache" });
    expect(said).toEqual([`not using ${path}: its server 1.20 is older than 1.25`]);
  });

  test("a version that is not said is not trusted", () => {
    expect(judgeVersion("temporal version (Server 1.29.1)")).toBeNull();
    expect(judgeVersion("temporal version (Server 2.0.0)")).toBeNull();
    expect(judgeVersion("tctl version 1.18")).toContain("does not say");
  });

  test("offline and without Go: one sentence that says what to do", async () => {
    await expect(obtainTemporalCli(env, log, { downloadFrom: OFFLINE })).rejects.toThrow(
      /^no Temporal server: .*no Go.*Install the Temporal CLI .*or set TEMPORAL_ADDRESS[^\n]*$/,
    );
  });

  test("offline with Go: built into the cache, saying what it costs, leaving no temporary folder", async () => {
    onPath(
      "go",
      `if [ "$1" = env ]; then echo ${folder}/mod; exit; fi
       echo "go: downloading go.temporal.io/server v1.29.1" >&2
       echo "go.temporal.io/server/common" >&2
       printf '#!/bin/sh\\n' >"$GOBIN/temporal"; /bin/chmod +x "$GOBIN/temporal"`,
    );
    const path = join(folder, "cache/selfheal/bin/temporal");
    expect(await obtainTemporalCli(env, log, { downloadFrom: OFFLINE })).toEqual({ path, from: "build" });
    expect(said.join("\n")).toMatch(/building github.com\/temporalio\/cli\S+@v1.5.1 .*minutes, 250 MB/);
    expect(readdirSync(join(folder, "cache/selfheal/bin"))).toEqual(["temporal"]);
  });

  test("a build that a blink of the network ended is tried once more", async () => {
    onPath(
      "go",
      `[ "$1" = env ] && exit
       if [ -e ${folder}/tried ]; then printf '#!/bin/sh\n' >"$GOBIN/temporal"; /bin/chmod +x "$GOBIN/temporal"; exit; fi
       : >${folder}/tried; echo "dial tcp: i/o timeout" >&2; exit 1`,
    );
    expect(await obtainTemporalCli(env, log, { downloadFrom: OFFLINE })).toMatchObject({ from: "build" });
    expect(said.join("\n")).toMatch(/go install failed: dial tcp: i\/o timeout; once more/);
  });

  test("a build that fails says why and leaves nothing behind", async () => {
    onPath("go", `[ "$1" = env ] || { echo "no space left on device" >&2; exit 1; }`);
    await expect(obtainTemporalCli(env, log, { downloadFrom: OFFLINE })).rejects.toThrow("no space left on device");
    expect(readdirSync(join(folder, "cache/selfheal/bin"))).toEqual([]);
  });
});

describe("the SDK's download", () => {
  test("is unpacked to its place", async () => {
    writeFileSync(join(folder, "temporal"), "#!/bin/sh\necho hello\n");
    execFileSync("tar", ["-czf", join(folder, "a.tgz"), "-C", folder, "temporal"]);
    const asked: string[] = [];
    const base = await serve((url) => {
      asked.push(url);
      return url === "/a.tgz"
        ? readFileSync(join(folder, "a.tgz"))
        : JSON.stringify({ archiveUrl: `${base}/a.tgz`, fileToExtract: "temporal" });
    });
    const target = join(folder, "out", "temporal");
    await downloadExecutable({ artifact: "cli", target, log, baseUrl: base });
    expect(execFileSync(target).toString()).toBe("hello\n");
    expect(asked[0]).toMatch(/^\/cli\/default\?arch=(amd64|arm64)&platform=(linux|darwin)&.*sdk-version=\d/);
    expect(readdirSync(join(folder, "out"))).toEqual(["temporal"]);
  });

  test("gives up quickly when nobody answers", async () => {
    const base = await serve(() => null);
    const target = join(folder, "out", "temporal");
    const download = downloadExecutable({ artifact: "cli", target, log, baseUrl: base, askTimeoutMs: 50 });
    await expect(download).rejects.toThrow(/timeout/);
  });

  async function serve(answer: (url: string) => string | Buffer | null): Promise<string> {
    server = createServer((request, response) => {
      const body = answer(request.url ?? "");
      if (body !== null) response.end(body);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  }
});

describe("the time-skipping test server", () => {
  test("is the one that SELFHEAL_TEST_SERVER names", async () => {
    const named = script(join(folder, "mine"), "true");
    expect(await findTestServer({ ...env, SELFHEAL_TEST_SERVER: named })).toEqual({ path: named, from: "environment" });
  });

  test("offline without Maven or Java: one sentence that says what to do", async () => {
    await expect(obtainTestServer(env, log, { downloadFrom: OFFLINE })).rejects.toThrow(
      /^no time-skipping test server: .*no Maven.*$/,
    );
  });

  test("several processes at once end up with one whole copy", async () => {
    onPath("java", "true");
    onPath(
      "mvn",
      'for a in "$@"; do case $a in -DoutputDirectory=*) o=${a#*=};; esac; done; /bin/mkdir "$o"; : >"$o/a.jar"',
    );
    const found = await Promise.all([1, 2, 3].map(() => obtainTestServer(env, log, { downloadFrom: OFFLINE })));
    const path = join(folder, "cache/selfheal/test-server-1.38.0-jvm-2/temporal-test-server");
    expect(found.map((one) => one.path)).toEqual([path, path, path]);
    expect(readdirSync(join(folder, "cache/selfheal"))).toEqual(["test-server-1.38.0-jvm-2"]);
    expect(readFileSync(path, "utf8")).toContain("io.temporal.testserver.TestServer");
  });
});

describe("the production Temporal's programs", () => {
  const NAMES = { server: "temporal-server", sql: "temporal-sql-tool", ui: "temporal-ui-server" };
  const VERSIONS = { server: "1.29.1", sql: "1.29.1", ui: "2.42.1" };

  test("are those on PATH, of exactly the version that the topology is made for; else those of the cache", async () => {
    const wanted: Record<string, string> = {};
    for (const [what, name] of Object.entries(NAMES)) {
      wanted[what] = onPath(name, `echo "temporal version ${VERSIONS[what as keyof typeof VERSIONS]}"`);
    }
    expect(await findTemporalTools(env)).toEqual(wanted);
    const old = onPath("temporal-server", 'echo "temporal version 1.28.0"');
    expect(await findTemporalTools(env, log)).toBeNull();
    expect(said).toEqual([`not using ${old}: it says temporal version 1.28.0, and the topology is made for 1.29.1`]);
    const cached = script(join(folder, "cache/selfheal/bin/temporal-server-1.29.1"), "true");
    expect(await findTemporalTools(env)).toEqual({ ...wanted, server: cached });
  });

  test("without Go: one sentence that says what to do", async () => {
    await expect(obtainTemporalTools(env, log)).rejects.toThrow(
      /^no temporal-server 1\.29\.1: there is no Go.*Install Go .*or use docker-compose[^\n]*$/,
    );
  });

  test("are built each under a name of its own, although Go calls two of them `server`", async () => {
    onPath(
      "go",
      'for module; do :; done\ncase $module in *sql@*) name=sql;; *) name=server;; esac\necho "$module" >"$GOBIN/$name"',
    );
    const tools = await obtainTemporalTools(env, log);
    expect([tools.server, tools.sql, tools.ui].map((path) => readFileSync(path, "utf8").trim())).toEqual([
      "go.temporal.io/server/cmd/server@v1.29.1",
      "go.temporal.io/server/cmd/tools/sql@v1.29.1",
      "github.com/temporalio/ui-server/v2/cmd/server@v2.42.1",
    ]);
  });
});
