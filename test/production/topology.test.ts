/** PostgreSQL, Temporal on it, two APIs and two workers: killed and restarted while forty hosts heal. */
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { apiOf, reconcile, untilClosed } from "../../src/cli/production/check.ts";
import { startProduction } from "../../src/cli/production/start.ts";
import type { Service } from "../../src/cli/process/kept-service.ts";
import { readEnv } from "../../src/config/env.ts";
import { findTemporalTools } from "../../src/workers/temporal-server-tools.ts";
import { isAlive } from "../support/processes.ts";
import { CAP, countsOf, equalHosts, keepSending, mostDrained, type Rig, sendUntilTaken, startRig } from "./support.ts";

const FIRST = Array.from({ length: 20 }, (_, index) => `web-${index + 1}`);
const SECOND = Array.from({ length: 20 }, (_, index) => `web-${index + 21}`);
const ALL = [...FIRST, ...SECOND];
const HEALED_WITHIN_MS = 300_000;

const tools = await findTemporalTools(readEnv());
if (tools === null) {
  console.log("production: SKIPPED: no Temporal server here; `npm run production -- --install` builds it with Go");
}
const tell = (what: string, since: number): void =>
  console.log(`production: ${what}: ${((performance.now() - since) / 1000).toFixed(1)} s`);

describe.skipIf(tools === null)("the production topology", () => {
  let data: string;
  let rig: Rig;
  beforeAll(async () => {
    data = mkdtempSync(join(tmpdir(), "selfheal-production-test-"));
    // Root's PostgreSQL runs as another user, who must get through.
    chmodSync(data, 0o711);
    const startedAt = performance.now();
    rig = await startRig(data, equalHosts(60));
    tell("start with new databases", startedAt);
  });
  afterAll(async () => {
    await rig.production.stop();
    rmSync(data, { recursive: true, force: true });
  });

  /** SIGKILL, until it serves again and the next effect has happened in the datacenter. */
  async function killAndWait(name: string, service: Service): Promise<void> {
    const { restarts } = service;
    const killedAt = performance.now();
    void service.kill();
    await expect.poll(() => service.restarts, { timeout: 90_000, interval: 50 }).toBe(restarts + 1);
    tell(`${name} serves again after SIGKILL`, killedAt);
    const effects = (): number =>
      rig.lab.world.log.filter(({ what }) => ["drain", "rebuild-started", "ready"].includes(what)).length;
    const before = effects();
    await expect.poll(effects, { timeout: 120_000, interval: 50 }).toBeGreaterThan(before);
    tell(`next effect after SIGKILL of ${name}`, killedAt);
  }

  it("heals each host once and keeps the cap through SIGKILL of Temporal, of PostgreSQL, and a rolling restart", async () => {
    const { production, lab, said } = rig;
    const { parts } = production;
    const startedAt = performance.now();
    for (const id of FIRST) lab.world.crash(id);
    await Promise.all(FIRST.map((id) => sendUntilTaken(rig, id)));
    const repeats = keepSending(rig, FIRST.slice(0, 5));
    await expect.poll(() => mostDrained(lab), { timeout: 60_000, interval: 50 }).toBeGreaterThan(2);
    await killAndWait("Temporal", parts.temporal);
    await killAndWait("PostgreSQL", parts.postgres);

    for (const id of SECOND) lab.world.crash(id);
    const taken = Promise.all(SECOND.map((id) => sendUntilTaken(rig, id)));
    const rolledAt = performance.now();
    for (const service of [...parts.workers, ...parts.apis]) await service.restart();
    tell("rolling restart of two workers and two APIs", rolledAt);
    await taken;
    await untilClosed(production, ALL, HEALED_WITHIN_MS);
    tell("forty hosts closed", startedAt);
    expect(await repeats.stop()).toBeGreaterThan(20);

    expect(await reconcile(production, lab, ALL)).toEqual([]);
    expect(countsOf(lab, "drain", ALL)).toEqual(ALL.map(() => 1));
    expect(countsOf(lab, "rebuild-started", ALL)).toEqual(ALL.map(() => 1));
    expect(mostDrained(lab)).toBeLessThanOrEqual(CAP);
    expect([parts.temporal, parts.postgres, ...parts.workers, ...parts.apis].map(({ restarts }) => restarts)).toEqual([
      1, 1, 1, 1, 1, 1,
    ]);
    // Nobody but the two was killed: the others ended when they had finished.
    expect(said.filter((line) => line.includes("killed by SIGKILL")).sort()).toEqual([
      "postgres: killed by SIGKILL, starting it again",
      "temporal: killed by SIGKILL, starting it again",
    ]);
    for (const worker of parts.workers) {
      expect(readFileSync(join(production.folder, "log", `${worker.name}.log`), "utf8")).toContain(
        "worker has stopped",
      );
    }
  });

  it("keeps no secret where others could read it", () => {
    const { production } = rig;
    const { temporal, apis, workers } = production.parts;
    const secrets = ["postgres_password", "selfheal_password", "api_token", "webhook_token", "database_url"].map(
      (name) => readFileSync(join(production.secrets, name), "utf8"),
    );
    for (const { pid } of [temporal, ...apis, ...workers]) {
      const commandLine = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      expect(secrets.filter((secret) => commandLine.includes(secret))).toEqual([]);
    }
  });

  it("stops everything in order, and starts again on the same data with nothing forgotten", async () => {
    const { production } = rig;
    const { parts } = production;
    const pids = [parts.postgres, parts.temporal, parts.ui, ...parts.apis, ...parts.workers].map(({ pid }) => pid);
    const stoppedAt = performance.now();
    await production.stop();
    tell("stop", stoppedAt);
    expect(pids.filter(isAlive)).toEqual([]);

    const startedAt = performance.now();
    const again = await startProduction(
      {
        data,
        systems: { config: join(data, "lab") },
        apis: 1,
        workers: 1,
        ports: { api: 0, temporal: 0, ui: 0 },
      },
      { env: readEnv(), stop: new AbortController().signal, say: () => undefined },
    );
    tell("start on the same data", startedAt);
    try {
      const rows = await (await apiOf(again)).list({ limit: "1000" });
      expect(new Set(rows.map(({ target, outcome }) => `${target.id} ${outcome}`))).toEqual(
        new Set(ALL.map((id) => `${id} healed`)),
      );
    } finally {
      await again.stop();
    }
  });
});
