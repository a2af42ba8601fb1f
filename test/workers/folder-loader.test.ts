/** A large folder is loaded while the process goes on answering, and what comes of it is what comes of it in this thread. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { Registry } from "prom-client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ACTIONS } from "../../src/activities/actions.ts";
import { readFolder } from "../../src/catalogue/folder.ts";
import { loaderOf } from "../../src/catalogue/load.ts";
import { projectPath } from "../../src/config/project.ts";
import { LiveFolder } from "../../src/starters/live-folder.ts";
import { folderLoader } from "../../src/workers/folder-loader.ts";
import { serveHealth } from "../../src/workers/health.ts";

const INVENTORY = "inventory.yaml";
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "folder-loader-"));
  await cp(projectPath("examples", "first-remediation"), folder, { recursive: true });
});
afterEach(() => rm(folder, { recursive: true }));

async function enlarge(targets: number): Promise<void> {
  const more = Array.from({ length: targets }, (_, index) => {
    const attributes = `pool: web, image: debian-13, diskCount: 1, address: 10.1.${index >> 8}.${index & 255}`;
    return `  - kind: host\n    id: more-${index}\n    group: web\n    rack: r${index % 40}\n    attributes: { ${attributes} }\n`;
  });
  const text = await readFile(join(folder, INVENTORY), "utf8");
  await writeFile(join(folder, INVENTORY), `${text.trimEnd()}\n${more.join("")}`);
}

describe("a folder that is loaded in a thread of its own", () => {
  it("is the catalogue that it is in this one", async () => {
    await enlarge(2_000);
    const snapshot = await readFolder(folder);
    const here = await loaderOf({ actions: ACTIONS })(snapshot, null);
    const there = await folderLoader()(snapshot, null);
    expect(there.problems).toEqual(here.problems);
    const { inventory, content, version, runbooks } = there.catalogue ?? {};
    expect({ content, version, runbooks }).toEqual({
      content: here.catalogue?.content,
      version: here.catalogue?.version,
      runbooks: here.catalogue?.runbooks,
    });
    expect(inventory).toEqual(here.catalogue?.inventory);
    expect(inventory?.byName.get("host")?.get("more-7")).toBe(inventory?.targets.find(({ id }) => id === "more-7"));
  });

  it("has the same mistakes, each with its place", async () => {
    await enlarge(2_000);
    const text = await readFile(join(folder, INVENTORY), "utf8");
    await writeFile(join(folder, INVENTORY), text.replace("id: more-9\n", "id: more-8\n"));
    const snapshot = await readFolder(folder);
    const there = await folderLoader()(snapshot, null);
    expect(there).toEqual(await loaderOf({ actions: ACTIONS })(snapshot, null));
    expect(there.catalogue).toBeNull();
    expect(there.problems.length).toBeGreaterThan(0);
  });
});

describe("while a large folder is loaded again", () => {
  it("the process goes on answering", async () => {
    await enlarge(5_000);
    const live = new LiveFolder({
      folder,
      load: folderLoader(),
      apply: () => Promise.resolve(),
      log: pino({ level: "silent" }),
    });
    await live.open();
    const { version } = live.status;
    const health = await serveHealth({ port: 0, ready: () => true, registry: new Registry() });
    const text = await readFile(join(folder, INVENTORY), "utf8");
    await writeFile(join(folder, INVENTORY), text.replace("id: more-9\n", "id: other-9\n"));
    await live.look();
    const startedAt = performance.now();
    let isOver = false;
    const reloaded = live.look().finally(() => (isOver = true));
    let [longest, last] = [0, startedAt];
    while (!isOver) {
      expect((await fetch(`http://127.0.0.1:${health.port}/healthz`)).status).toBe(200);
      const at = performance.now();
      [longest, last] = [Math.max(longest, at - last), at];
    }
    await reloaded;
    await health.close();
    expect(live.status).toMatchObject({ state: "current" });
    expect(live.status.version).not.toBe(version);
    // In this thread, it would be all of it.
    expect(longest).toBeLessThan((last - startedAt) / 2);
  });
});
