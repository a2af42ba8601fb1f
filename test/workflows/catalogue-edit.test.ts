/** People edit the catalogue while remediations run (mission B7): what has decided keeps what it decided with. */
import { afterAll, beforeAll, expect, it } from "vitest";
import type { TestWorkflowEnvironment } from "@temporalio/testing";
import { parse, stringify } from "yaml";
import { wideOpen, type RunbookYaml } from "../support/rig-folder.ts";
import { timeSkippingServer } from "../support/rig-server.ts";
import { withRig, type RigOptions } from "../support/rig.ts";

let env: TestWorkflowEnvironment;
beforeAll(async () => {
  env = await timeSkippingServer();
});
afterAll(async () => {
  await env.teardown();
});

const FILE = "runbooks/disk-replacement.yaml";

/** Nothing of it would replace a disk. */
function onlySilence(text: string): string {
  const runbook = parse(text) as RunbookYaml;
  const [rung] = runbook.ladder;
  if (rung === undefined) throw new Error("the runbook has no rung");
  runbook.ladder = [
    { ...rung, rung: "only-silence", steps: rung.steps.filter(({ uses }) => uses === "monitoring.silence") },
  ];
  return stringify(runbook);
}

function onlyGroup(group: string): (text: string) => string {
  return (text) => {
    const runbook = parse(text) as RunbookYaml & { target: object };
    return stringify({ ...runbook, target: { ...runbook.target, groups: [group] } });
  };
}

it("an edit breaks no remediation in any phase: each ends on the version that it decided with", async () => {
  const waiting = ["web-2", "api-1", "api-2"];
  const options: RigOptions = { failing: ["web-1", ...waiting], standingFor: ["api"], runbook: wideOpen };
  await withRig(env, options, async (rig) => {
    await rig.alert({ hosts: ["web-1"] });
    await rig.soonIn("web-1", "approve");
    await rig.decide("approve", "web-1", "grace");
    await rig.untilIn("web-1", "verify");
    const pause = await rig.record.pause({ scope: "target:host:api-2", reason: "later", by: "ada", until: null });
    await rig.alert({ hosts: waiting });
    await rig.soonIn("web-2", "approve");
    await rig.soonIn("api-1", "act", /sessions open|ticket/);
    await rig.soonIn("api-2", "admit");
    const { version } = rig.catalogue;

    expect(await rig.rewrite(FILE, onlySilence)).toMatchObject({ state: "current" });
    expect(await rig.record.activeVersion()).not.toBe(version);
    // And a broken one behind it, which nobody may see.
    expect(await rig.rewrite("selfheal.yaml", (text) => `${text}\n}`)).toMatchObject({ state: "broken" });

    await rig.decide("approve", "web-2", "grace");
    await rig.record.resume(pause.id, "ada");
    for (const id of ["web-1", ...waiting]) {
      expect(await rig.closed(id), id).toMatchObject({ outcome: "healed", needsHuman: false, leases: [] });
      expect(rig.world(id), id).toMatchObject({ server: "ready 100 %", rebuilds: 1, tickets: ["resolved"] });
      expect(
        (await rig.story(id)).plan?.rungs.map(({ name }) => name),
        id,
      ).toEqual(["replace"]);
    }
    // Whoever comes after the edit gets what it says.
    rig.lab.world.failDisk("web-3");
    await rig.alert({ hosts: ["web-3"] });
    expect(await rig.closed("web-3")).toMatchObject({ outcome: "escalated" });
    expect((await rig.story("web-3")).plan?.rungs.map(({ name }) => name)).toEqual(["only-silence"]);
    expect(rig.world("web-3")).toMatchObject({ rebuilds: 0, tickets: [] });

    // And nothing in a group that the runbook may not touch.
    await rig.rewrite("selfheal.yaml", (text) => text.replace(/\n}$/, ""));
    expect(await rig.rewrite(FILE, onlyGroup("db"))).toMatchObject({ state: "current" });
    rig.lab.world.failDisk("web-4");
    await rig.alert({ hosts: ["web-4"] });
    const refused = await rig.closed("web-4");
    expect(refused).toMatchObject({ outcome: "refused", effects: {} });
    expect(refused.reasons).toContain("GROUP_NOT_GRANTED");
  });
});
