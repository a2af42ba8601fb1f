/** A folder as people change it: in place, by editors that replace files, by git, by the links of Kubernetes. */
import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import pino from "pino";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ACTIONS } from "../../src/activities/actions.ts";
import type { Catalogue } from "../../src/catalogue/catalogue.ts";
import { loaderOf } from "../../src/catalogue/load.ts";
import { formatProblem } from "../../src/catalogue/problems.ts";
import { UserError } from "../../src/config/user-error.ts";
import { projectPath } from "../../src/config/project.ts";
import { LiveFolder, type LiveFolderOptions } from "../../src/starters/live-folder.ts";
import { countFolder, createStarterMetrics } from "../../src/starters/metrics.ts";

const INVENTORY = "inventory.yaml";
const RUNBOOK = join("runbooks", "disk-replacement.yaml");

let base: string;
let folder: string;
let live: LiveFolder;
let applied: Catalogue[];
let logged: { level: number; msg: string; mistakes?: string[] }[];
const metrics = createStarterMetrics();

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "live-folder-"));
  folder = join(base, "config");
  await cp(projectPath("examples", "first-remediation"), folder, { recursive: true });
  [applied, logged] = [[], []];
  live = watched();
  await live.open();
});
afterEach(async () => {
  await live.stop();
  await rm(base, { recursive: true });
});

function watched(change: Partial<LiveFolderOptions> = {}): LiveFolder {
  const write = (line: string): void => void logged.push(JSON.parse(line) as (typeof logged)[number]);
  return new LiveFolder({
    folder,
    load: loaderOf({ actions: ACTIONS }),
    apply: (catalogue) => Promise.resolve(void applied.push(catalogue)),
    log: pino({ level: "info" }, { write }),
    onChange: (status) => countFolder(metrics, status),
    ...change,
  });
}

/** A change counts once two looks have seen the same. */
async function looked(): Promise<LiveFolder["status"]> {
  await live.look();
  await live.look();
  return live.status;
}
async function edit(file: string, from: string, to: string, into = folder): Promise<void> {
  const text = await readFile(join(folder, file), "utf8");
  expect(text).toContain(from);
  await writeFile(join(into, file), text.replace(from, to));
}
const errors = (): string[] => logged.filter(({ level }) => level >= 50).map(({ msg }) => msg);
const rack = (): string | null | undefined => live.catalogue.inventory.byName.get("host")?.get("web-1")?.rack;

describe("a right edit is in use without a restart", () => {
  it("in place", async () => {
    const before = live.status;
    await edit(INVENTORY, "rack: r1", "rack: r9");
    expect(await looked()).toMatchObject({ state: "current", because: null });
    expect(rack()).toBe("r9");
    expect(applied.at(-1)).toBe(live.catalogue);
    expect(live.status.version).not.toBe(before.version);
    expect(logged.at(-1)?.msg).toBe("the catalogue has changed");
  });

  it("by an editor that writes a copy and puts it in the file's place, with its lock beside it", async () => {
    await symlink("nobody@nowhere", join(folder, "runbooks", ".#disk-replacement.yaml"));
    await writeFile(join(folder, "runbooks", ".disk-replacement.yaml.swp"), "\0");
    const text = await readFile(join(folder, INVENTORY), "utf8");
    await writeFile(join(folder, "inventory.yaml~"), text.replace("rack: r1", "rack: r9"));
    await rename(join(folder, "inventory.yaml~"), join(folder, INVENTORY));
    expect(await looked()).toMatchObject({ state: "current", problems: [] });
    expect(rack()).toBe("r9");
  });

  it("by the links that Kubernetes turns", async () => {
    await cp(folder, join(base, "mount", "..1"), { recursive: true });
    await symlink("..1", join(base, "mount", "..data"));
    for (const name of ["selfheal.yaml", INVENTORY, "runbooks"]) {
      await symlink(join("..data", name), join(base, "mount", name));
    }
    live = watched({ folder: join(base, "mount") });
    await live.open();
    expect(rack()).toBe("r1");
    await cp(folder, join(base, "mount", "..2"), { recursive: true });
    await edit(INVENTORY, "rack: r1", "rack: r9", join(base, "mount", "..2"));
    await symlink("..2", join(base, "mount", "..next"));
    await rename(join(base, "mount", "..next"), join(base, "mount", "..data"));
    await looked();
    expect(rack()).toBe("r9");
  });

  it("of several files only together: while they still change, nothing is taken", async () => {
    const { version } = live.status;
    await edit("selfheal.yaml", "  web: { owner: web-team, mode: auto }", "  shop: { owner: web-team, mode: auto }");
    await live.look();
    await edit(INVENTORY, "group: web", "group: shop");
    await live.look();
    await edit(INVENTORY, "group: web", "group: shop");
    await live.look();
    expect(live.status).toMatchObject({ version, state: "current" });
    await live.look();
    expect(live.status.problems.map(formatProblem)).toEqual([]);
    expect(live.catalogue.inventory.targets.map(({ group }) => group)).toEqual(["shop", "shop"]);
    expect(errors()).toEqual([]);
  });

  it("is found by itself", async () => {
    await live.stop();
    live = watched({ everyMs: 10 });
    await live.open();
    live.watch();
    await edit(INVENTORY, "rack: r1", "rack: r9");
    await expect.poll(rack).toBe("r9");
  });

  it("is looked for no more after the end, though it comes in the middle of a look", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const stopped = new Promise<void>((resolve) => {
        let looks = 0;
        const beside = (): string => {
          if (++looks > 2) resolve(live.stop());
          return "";
        };
        live = watched({ everyMs: 10, beside });
      });
      await live.open();
      live.watch();
      vi.advanceTimersByTime(10);
      await stopped;
      await nextTurn();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it("files that are touched only change nothing", async () => {
    const { since } = live.status;
    await writeFile(join(folder, INVENTORY), await readFile(join(folder, INVENTORY)));
    expect(await looked()).toMatchObject({ state: "current", since });
    expect(logged).toEqual([]);
  });
});

describe("a broken edit", () => {
  it("keeps the last good version, says so in log, status and metrics, and is over when it is mended", async () => {
    const { version, since } = live.status;
    const good = live.catalogue;
    await edit(INVENTORY, "rack: r1", "rack: r9");
    await edit(RUNBOOK, "loadbalancer.drain", "loadbalancer.drian");
    const status = await looked();
    expect(status).toMatchObject({ state: "broken", version, since });
    expect(status.problems.map(formatProblem).join()).toContain('did you mean "loadbalancer.drain"?');
    // Not the good half either.
    expect(live.catalogue).toBe(good);
    expect(rack()).toBe("r1");
    expect(applied).toHaveLength(1);
    expect(errors()).toEqual([`${folder} is wrong: its last good version stays in use`]);
    expect(logged.at(-1)?.mistakes?.join()).toContain("loadbalancer.drian");
    expect(await metrics.registry.metrics()).toContain('selfheal_catalogue_stale{team=""} 1');
    await looked();
    expect(errors()).toHaveLength(1);
    await edit(RUNBOOK, "loadbalancer.drian", "loadbalancer.drain");
    expect(await looked()).toMatchObject({ state: "current", problems: [] });
    expect(rack()).toBe("r9");
    expect(await metrics.registry.metrics()).toContain('selfheal_catalogue_stale{team=""} 0');
  });

  it("may be the loss of the whole folder", async () => {
    await rename(folder, join(base, "away"));
    expect(await looked()).toMatchObject({ state: "broken" });
    await rename(join(base, "away"), folder);
    expect(await looked()).toMatchObject({ state: "current" });
  });

  it("at a start is an error with every mistake", async () => {
    await edit(RUNBOOK, "loadbalancer.drain", "loadbalancer.drian");
    await expect(watched().open()).rejects.toThrow(/does not load:\n.*did you mean "loadbalancer.drain"/);
    await expect(watched().check()).rejects.toBeInstanceOf(UserError);
  });

  it("that only the one who applies it can see is one too", async () => {
    let isWrong = false;
    live = watched({ apply: () => (isWrong ? Promise.reject(new UserError("no RT_TOKEN")) : Promise.resolve()) });
    await live.open();
    const { version } = live.status;
    isWrong = true;
    await edit(INVENTORY, "rack: r1", "rack: r9");
    expect(await looked()).toMatchObject({ state: "broken", version, because: "no RT_TOKEN" });
  });
});

describe("what cannot be taken over now", () => {
  it("is tried again until it can be, and said once", async () => {
    let isAway = false;
    live = watched({ apply: () => (isAway ? Promise.reject(new Error("the database is away")) : Promise.resolve()) });
    await live.open();
    isAway = true;
    await edit(INVENTORY, "rack: r1", "rack: r9");
    expect(await looked()).toMatchObject({ state: "waiting", because: "the database is away" });
    await looked();
    expect(rack()).toBe("r1");
    expect(errors()).toHaveLength(1);
    isAway = false;
    await live.look();
    expect(live.status).toMatchObject({ state: "current", because: null });
    expect(rack()).toBe("r9");
  });

  it("secrets beside the folder count as a change of it", async () => {
    let secret = "a";
    live = watched({ beside: () => secret });
    await live.open();
    const before = applied.length;
    secret = "b";
    await looked();
    expect(applied).toHaveLength(before + 1);
  });
});

describe("a team's broken file", () => {
  const of = join("teams", "storage", "runbooks");
  async function withTeam(): Promise<void> {
    await mkdir(join(folder, of), { recursive: true });
    await edit("selfheal.yaml", "connections:", "teams: { storage: { groups: [web] } }\nconnections:");
    const text = await readFile(join(folder, RUNBOOK), "utf8");
    const raid = text.replace("name: disk-replacement", "name: raid").replace(/SmartDiskFailing/g, "RaidFailing");
    await writeFile(join(folder, of, "raid.yaml"), raid);
  }

  it.each(["runbooks", "teams"])("or a folder %s that cannot be listed takes no runbook out of use", async (name) => {
    await withTeam();
    expect(await looked()).toMatchObject({ state: "current" });
    const { version } = live.status;
    await rename(join(folder, name), join(base, name));
    // A circle of links, because those who may read everything run tests, too.
    await symlink(name, join(folder, name));
    expect(await looked()).toMatchObject({ state: "broken", version, problems: [{ file: name }] });
    await rm(join(folder, name));
    await rename(join(base, name), join(folder, name));
    expect(await looked()).toMatchObject({ state: "current", version });
  });

  it("keeps that team's last good runbooks across a restart, and says so", async () => {
    await withTeam();
    expect(await looked()).toMatchObject({ state: "current", teams: [{ team: "storage", runbooks: ["raid"] }] });
    const content = live.catalogue.content as never;
    await writeFile(join(folder, of, "raid.yaml"), "kind: [");
    expect(await looked()).toMatchObject({ state: "partly", teams: [{ team: "storage", state: "lastGood" }] });
    expect(errors()).toEqual(["the runbooks of team storage are wrong: its last good runbooks stay in use"]);
    expect(await metrics.registry.metrics()).toContain('selfheal_catalogue_stale{team="storage"} 1');
    live = watched({ lastGood: () => Promise.resolve(content) });
    await live.open();
    expect(live.catalogue.runbooks.map(({ name }) => name)).toEqual(["disk-replacement", "raid"]);
  });
});
