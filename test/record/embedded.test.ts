import { type ChildProcess, spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type EmbeddedPostgres, runningEmbedded, startEmbedded } from "../../src/record/embedded.ts";
import { embeddedBinaries } from "../../src/record/embedded/binaries.ts";
import { closedFolder, reachableBinaries, serverUser } from "../../src/record/embedded/server-user.ts";
import { launchAnywhere, shutDown } from "../../src/record/embedded/server.ts";
import { layoutOf, pidExists } from "../../src/record/embedded/state.ts";
import { waitFor } from "../../src/record/embedded/wait.ts";
import { openRecord } from "../../src/record/record.ts";
import { freeLowPort } from "../../src/workers/ports.ts";
import { received } from "./builders.ts";

const SLOW = 120_000;

describe("the embedded PostgreSQL", () => {
  let dataFolder = "";
  const servers: EmbeddedPostgres[] = [];
  const start = async (options: object = {}) => {
    const server = await startEmbedded({ dataFolder, ...options });
    servers.push(server);
    return server;
  };
  beforeEach(async () => {
    dataFolder = await mkdtemp(join(tmpdir(), "selfheal-test-embedded-"));
  });
  afterEach(async () => {
    for (const server of servers.splice(0).reverse()) await server.stop();
    await rm(dataFolder, { recursive: true, force: true });
  });
  const gone = (pid: number) => waitFor(() => Promise.resolve(pidExists(pid) ? null : true), SLOW);

  it("is one server for all who start it at once, and only its starter ends it", { timeout: SLOW }, async () => {
    const all = await Promise.all([start(), start(), start()]);
    expect(all.map((one) => one.how).sort()).toEqual(["attached", "attached", "started"]);
    expect(new Set(all.map((one) => one.pid)).size).toBe(1);
    const [attached] = all.filter((one) => one.how === "attached");
    await attached?.stop();
    const first = all.find((one) => one.how === "started") as EmbeddedPostgres;
    await (await openRecord(first.url)).end();
    await first.stop();
    await first.stop();
    expect(pidExists(first.pid)).toBe(false);
    expect((await start()).how).toBe("started");
  });

  it(
    "killed with all its processes, it says so, and starts again on the same port with what was committed",
    async () => {
      const server = await start({ port: await freeLowPort() });
      const client = new pg.Client({ connectionString: server.url });
      client.on("error", () => undefined);
      await client.connect();
      await client.query("create table kept (n int)");
      await server.kill();
      expect(await server.ended).toBe("killed by SIGKILL");
      await expect(client.query("select 1")).rejects.toThrow();
      await gone(server.pid);
      const again = await start({ port: server.port });
      expect([again.how, again.port]).toEqual(["started", server.port]);
      const reader = new pg.Client({ connectionString: again.url });
      await reader.connect();
      expect((await reader.query("select count(*)::int as n from kept")).rows).toEqual([{ n: 0 }]);
      await reader.end();
    },
    SLOW,
  );

  it("lets nobody in without the password, which no other user can read", { timeout: SLOW }, async () => {
    const server = await start();
    const url = new URL(server.url);
    url.password = "wrong-secret";
    await expect(openRecord(url.href)).rejects.toThrow("the password was not accepted");
    for (const path of [dataFolder, join(dataFolder, "password")]) expect((await stat(path)).mode & 0o077).toBe(0);
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    const found = await client.query(
      "select current_setting('fsync') as fsync, current_setting('server_encoding') as encoding",
    );
    expect(found.rows).toEqual([{ fsync: "on", encoding: "UTF8" }]);
    await client.end();
  });

  it("keeps everything that was answered, through kill -9 of all its processes", { timeout: SLOW }, async () => {
    const server = await start();
    const record = await openRecord(server.url);
    const answered = await record.receive([received({ fingerprint: "crash" })]);
    expect(answered).toHaveLength(1);
    void server.kill();
    expect(await server.ended).toBe("killed by SIGKILL");
    await expect(record.receive([received({ fingerprint: "lost" })])).rejects.toMatchObject({
      kind: "RecordUnavailable",
    });
    const again = await start({ port: server.port });
    expect(again.how).toBe("started");
    // The same pool works again: callers only have to call again.
    expect((await record.alerts({})).map((row) => row.fingerprint)).toEqual(["crash"]);
    await record.end();
  });

  it("ends with its starter, even when that one is killed", { timeout: SLOW }, async () => {
    const { child, pid } = await startElsewhere(dataFolder);
    expect((await start()).how).toBe("attached");
    child.kill("SIGKILL");
    expect(await gone(pid)).toBe(true);
    expect((await start()).how).toBe("started");
  });

  it("is taken over when starter and watchdog are both gone", { timeout: SLOW }, async () => {
    const { child, pid } = await startElsewhere(dataFolder);
    await killWatchdogOf(pid);
    child.kill("SIGKILL");
    await gone(child.pid as number);
    const server = await start();
    expect(server).toMatchObject({ how: "adopted", pid });
    await server.stop();
    expect(pidExists(pid)).toBe(false);
  });

  it(
    "is found by who only looks while it runs, and such a look leaves a left-over pid file",
    { timeout: SLOW },
    async () => {
      expect(await runningEmbedded(dataFolder)).toBeNull();
      const server = await start();
      expect(await runningEmbedded(dataFolder)).toBe(server.url);
      await server.stop();
      expect(await runningEmbedded(dataFolder)).toBeNull();
      const pidFile = join(layoutOf(dataFolder).data, "postmaster.pid");
      await writeFile(pidFile, `${process.pid}\n\n\n${server.port}\n\n\n\nready\n`);
      expect(await runningEmbedded(dataFolder)).toBeNull();
      expect(await readFile(pidFile, "utf8")).toContain(String(process.pid));
    },
  );

  it("starts over a pid file whose pid another program has now", { timeout: SLOW }, async () => {
    await (await start()).stop();
    const pidFile = join(dataFolder, "data", "postmaster.pid");
    await writeFile(pidFile, `${process.pid}\n${join(dataFolder, "data")}\n0\n5432\n\n127.0.0.1\n\nready\n`);
    expect((await start()).how).toBe("started");
    expect(await readFile(pidFile, "utf8")).not.toContain(`${process.pid}\n`);
  });

  it(
    "starts over the lock of a killed starter, even when a process of ours has its pid now",
    { timeout: SLOW },
    async () => {
      await writeFile(layoutOf(dataFolder).lock, JSON.stringify({ pid: process.pid, startedAt: "1" }));
      expect((await start()).how).toBe("started");
    },
  );

  it("removes no data that it does not know, and says what to do", { timeout: SLOW }, async () => {
    await (await start()).stop();
    const { data } = layoutOf(dataFolder);
    await rm(join(data, "global", "pg_control"));
    await expect(start()).rejects.toThrow(`${data} is not empty, and holds no database that can be started`);
    expect(await readdir(data)).toContain("base");
  });

  it("takes another port when somebody took the free one before the server listened", { timeout: SLOW }, async () => {
    await (await start()).stop();
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const free = await freeLowPort();
    const ports = [(other.address() as { port: number }).port, free];
    const [user, { root, version }] = [await serverUser(), embeddedBinaries()];
    const bin = join(await reachableBinaries(root, user, `${dataFolder}-binaries`, version), "bin");
    const cluster = { layout: layoutOf(dataFolder), user, bin, superuser: "selfheal", settings: {} };
    const server = await launchAnywhere(cluster, () => Promise.resolve(ports.shift() ?? 0));
    await shutDown(server.pid);
    other.close();
    expect([server.port, ports]).toEqual([free, []]);
  });

  it("says which port is taken, or on which it runs already", { timeout: SLOW }, async () => {
    const other = createServer();
    const port = await new Promise<number>((resolve) => {
      other.listen(0, "127.0.0.1", () => resolve((other.address() as { port: number }).port));
    });
    await expect(start({ port })).rejects.toThrow(`port ${port} on 127.0.0.1 is in use by another program`);
    const server = await start();
    await expect(start({ port })).rejects.toThrow(
      `runs on port ${server.port} already (held by process ${process.pid})`,
    );
    other.close();
  });

  it.runIf(process.getuid?.() === 0)("says which folder the server's user cannot pass", { timeout: SLOW }, async () => {
    const user = await serverUser();
    const closed = await mkdtemp(join(tmpdir(), "selfheal-test-closed-"));
    const inside = join(closed, "state");
    await expect(startEmbedded({ dataFolder: inside })).rejects.toThrow(
      `cannot pass ${closed} on the way to ${inside}`,
    );
    expect(await closedFolder(inside, user)).toBe(closed);
    await rm(closed, { recursive: true });
  });

  it.runIf(process.getuid?.() === 0)("uses a copy of binaries that the server's user cannot reach", async () => {
    const user = await serverUser();
    const closed = await mkdtemp(join(tmpdir(), "selfheal-test-modules-"));
    await mkdir(join(closed, "native", "bin"), { recursive: true });
    await writeFile(join(closed, "native", "bin", "postgres"), "#!/bin/sh\n", { mode: 0o755 });
    const copies = join(tmpdir(), `selfheal-test-copies-${process.pid}`);
    const reachable = () => reachableBinaries(join(closed, "native"), user, copies, "18.4");
    expect(await Promise.all([reachable(), reachable()])).toEqual(Array(2).fill(join(copies, "postgres-18.4")));
    expect((await stat(join(copies, "postgres-18.4", "bin", "postgres"))).mode & 0o111).toBe(0o111);
    expect(await readdir(copies)).toEqual(["postgres-18.4"]);
    await chmod(closed, 0o755);
    expect(await reachable()).toBe(join(closed, "native"));
    for (const folder of [closed, copies]) await rm(folder, { recursive: true });
  });

  it("makes its folders open to the server's user, whatever the umask", { timeout: SLOW }, async () => {
    const deep = join(dataFolder, "a", "b", "c");
    await chmod(dataFolder, 0o755);
    const before = process.umask(0o077);
    try {
      expect((await start({ dataFolder: deep })).how).toBe("started");
    } finally {
      process.umask(before);
    }
  });
});

/** A starter in a process of its own, which can be killed. */
async function startElsewhere(dataFolder: string): Promise<{ child: ChildProcess; pid: number }> {
  const module = new URL("../../src/record/embedded.ts", import.meta.url).href;
  const code = `import { startEmbedded } from ${JSON.stringify(module)};
    console.log((await startEmbedded({ dataFolder: ${JSON.stringify(dataFolder)} })).pid); setInterval(() => {}, 1e6);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  const line = await new Promise<string>((resolve, reject) => {
    child.once("exit", () => reject(new Error("the starter ended")));
    child.stdout.once("data", (data: Buffer) => resolve(data.toString()));
  });
  return { child, pid: Number(line) };
}

/** Its command line holds its name and the pid that it watches. */
async function killWatchdogOf(pid: number): Promise<void> {
  for (const entry of await readdir("/proc")) {
    const command = await readFile(`/proc/${entry}/cmdline`, "utf8").catch(() => "");
    if (command.endsWith(`selfheal-postgres-watchdog\0${pid}\0`)) process.kill(Number(entry), "SIGKILL");
  }
}
