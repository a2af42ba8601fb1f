/**
 * Many hosts at once under a cap, on the real server: no cap is exceeded at any instant, and nobody waits for ever. In
 * `npm run crash` twice as many as in every run.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { projectPath } from "../../src/config/project.ts";
import { makeFleet } from "../../src/lab/fleet.ts";
import type { LabHost } from "../../src/lab/types.ts";
import { startLive, type Live } from "../support/live.ts";

const COUNT = process.env["SELFHEAL_CRASH_ROWS"] === "all" ? 200 : 100;
/** `limits.group` of the test's runbook. */
const CAP = 25;

const model = makeFleet({ count: 1, seed: 7 })[0] as LabHost;
const hosts: LabHost[] = Array.from({ length: COUNT + 20 }, (_, index) => ({
  ...model,
  id: `web-${index + 1}`,
  fqdn: `web-${index + 1}.lab.example.net`,
  address: `10.50.${index >> 8}.${index & 255}`,
  disks: model.disks.map((disk) => ({ ...disk, serial: `S${index}` })),
}));

let live: Live;
beforeAll(async () => {
  live = await startLive({
    hosts,
    timeScale: 7_200,
    standingFor: ["web"],
    runbooks: projectPath("test/fixtures/runbooks"),
  });
});
afterAll(async () => {
  await live.stop();
});

it(`heals ${COUNT} hosts at once, never more than the cap drained at any instant`, { timeout: 600_000 }, async () => {
  const ids = hosts.slice(0, COUNT).map(({ id }) => id);
  for (const id of ids) live.lab.world.crash(id);
  await live.alert({ hosts: ids });
  const stories = await live.closed(ids, 580_000);
  const outcomes = new Set(
    [...stories.values()].map((story) => `${story.remediation.outcome}: ${story.remediation.detail}`),
  );
  expect([...outcomes]).toEqual(["healed: the probe held healthy and the target is back in service"]);
  expect(mostDrained()).toBeGreaterThan(1);
  expect(mostDrained()).toBeLessThanOrEqual(CAP);
});

function mostDrained(): number {
  const drained = new Set<string>();
  let most = 0;
  for (const { what, host } of live.lab.world.log) {
    if (host === undefined) continue;
    if (what === "drain") drained.add(host);
    if (what === "ready") drained.delete(host);
    most = Math.max(most, drained.size);
  }
  return most;
}
