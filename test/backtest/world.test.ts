/** A backtest is the policy with a past: cooldowns, caps, queues, approvals and breakers in virtual time. */
import { describe, expect, it } from "vitest";
import { CONFIG, INVENTORY, RUNBOOK, catalogueOf, edited } from "../catalogue/support.ts";
import { firing, HOUR_MS, MINUTE_MS, replay, resolved } from "./support.ts";

const disk = (host: string, device = "sda") => ({ alertname: "DiskFailing", host, device });
/** web-1 and web-3 to web-6 in racks of their own, all with one disk. */
const FLEET = INVENTORY + [3, 4, 5, 6].map((n) => member(n)).join("");
function member(n: number): string {
  return `  - { kind: host, id: web-${n}, group: web, rack: r${n}, stateless: true, attributes: { pool: web, image: debian-12, diskCount: 1, address: 10.0.1.${n} } }\n`;
}
const AUTO = edited("limits:", "mode: auto\nlimits:");
const quiet = CONFIG.replace("values:", "limits: { storm: off }\ndefaults: { storm: off }\nvalues:");
const catalogue = (runbook = AUTO, config = quiet) => catalogueOf({ config, inventory: FLEET, runbooks: [runbook] });

describe("a world in virtual time", () => {
  it("acts once for a fault and its repeats, after the approval that its plan needs", async () => {
    const alerts = [firing(disk("web-1"), 0), firing(disk("web-1"), 240, 0), firing(disk("web-1"), 480, 0)];
    const { report, fates } = await replay(alerts, catalogue());
    expect(fates).toMatchObject([{ kind: "acted", runbook: "disk", target: "host/web-1", asked: 1 }]);
    expect(report.after).toMatchObject({ approvalsAsked: 1, fates: { acted: 1, repeat: 2 } });
  });

  it("asks once where several people must approve, and has all of them", async () => {
    const two = edited("approval: {", "approval: { quorum: 2,", AUTO);
    const alerts = [firing(disk("web-1"), 0), firing({ alertname: "Later" }, 24 * 60)];
    expect((await replay(alerts, catalogue(two))).fates).toMatchObject([{ kind: "acted", asked: 1 }]);
  });

  it("does nothing about what is over before a person has approved", async () => {
    const alerts = [firing(disk("web-1"), 0), resolved(disk("web-1"), 5, 0)];
    expect((await replay(alerts, catalogue())).fates).toMatchObject([{ kind: "recovered", asked: 1 }]);
  });

  it("gives up when nobody approves in time", async () => {
    const alerts = [firing(disk("web-1"), 0), firing({ alertname: "Later" }, 24 * 60)];
    const { fates } = await replay(alerts, catalogue(), { assume: { approveAfterMs: null } });
    expect(fates).toMatchObject([{ kind: "notApproved", codes: ["APPROVAL_REQUIRED"] }]);
  });

  it("refuses the same fix again within its cooldown, and knows it after a long time", async () => {
    const again = [firing(disk("web-1"), 0), firing(disk("web-1"), 600)];
    expect((await replay(again, catalogue())).fates).toMatchObject([
      { kind: "acted" },
      { kind: "refused", codes: ["COOLDOWN", "APPROVAL_REQUIRED"] },
    ]);
    const years = edited("cooldown: 24h", "cooldown: 70w", AUTO);
    const late = [firing(disk("web-1"), 0), firing(disk("web-1"), 60 * 24 * 360)];
    expect((await replay(late, catalogue(years))).fates[1]?.codes).toContain("COOLDOWN");
  });

  it("lets one at a time through a cap, in the order of the queue, worst first", async () => {
    const hosts = ["web-1", "web-3", "web-4"];
    const severe = { ...disk("web-5"), severity: "critical" };
    const alerts = [
      ...hosts.map((host) => firing(disk(host), 0)),
      firing(severe, 1),
      firing({ alertname: "End" }, 60 * 24),
    ];
    const { report, fates } = await replay(alerts, catalogue(), {
      assume: { workMs: () => HOUR_MS, approveAfterMs: 1 },
    });
    expect(fates.map(({ target, kind }) => `${kind} ${target}`)).toEqual([
      "acted host/web-1",
      "acted host/web-5",
      "acted host/web-3",
      "acted host/web-4",
    ]);
    expect(fates.map(({ waitedMs }) => Math.round(waitedMs / MINUTE_MS))).toEqual([0, 59, 120, 180]);
    expect(report.after.waits).toMatchObject({ GROUP_CAP: { remediations: 3, longestMs: 3 * HOUR_MS } });
  });

  it("joins faults that ask for one remedy, and takes others of the target one after the other", async () => {
    const two = edited('device="${{ alert.labels.device }}"', 'job="disks"', AUTO);
    const joined = [
      firing(disk("web-1", "sda"), 0),
      firing(disk("web-1", "sdb"), 1),
      firing({ alertname: "End" }, 120),
    ];
    const one = await replay(joined, catalogue(two));
    expect(new Set(one.fates.map(({ episode }) => episode)).size).toBe(1);
    expect(one.report.after.fates.acted).toBe(1);
    const apart = await replay(joined, catalogue());
    expect(apart.fates.map(({ kind }) => kind)).toEqual(["acted", "refused"]);
  });

  it.each([
    ["as they are written", false],
    ["the other way round", true],
  ])(
    "decides alerts of one moment by all of them, %s: the worst first, and each firing counts",
    async (_how, turned) => {
      const power = edited("name: disk,", "name: power,", AUTO).replace("DiskFailing", "PowerFailing");
      const files = { config: quiet, inventory: FLEET, runbooks: [AUTO, power] };
      const body = [
        firing({ ...disk("web-1"), severity: "warning" }, 60),
        firing({ ...disk("web-1"), alertname: "PowerFailing", severity: "critical" }, 60),
      ];
      const end = firing({ alertname: "End" }, 60 * 24);
      const { fates } = await replay([...(turned ? body.toReversed() : body), end], catalogueOf(files));
      expect(fates.map(({ runbook }) => runbook)).toEqual(["power", "disk"]);

      const joins = edited('device="${{ alert.labels.device }}"', 'job="disks"', AUTO);
      const restless = [10, 20, 30].flatMap((at) => [
        firing(disk("web-1", "sdb"), at),
        resolved(disk("web-1", "sdb"), at + 1, at),
      ]);
      const two = [firing(disk("web-1", "sda"), 60), firing(disk("web-1", "sdb"), 60)];
      const flapping = await replay([...restless, ...(turned ? two.toReversed() : two), end], catalogue(joins));
      expect(flapping.fates.at(-1)?.waitedFor).toContain("FLAPPING");
    },
  );

  it("trips a storm once, lets nothing through until it is reset, and then asks afresh", async () => {
    const storm = quiet.replace(
      "limits: { storm: off }",
      'limits: { storm: { share: "1%", within: 10m, atLeast: 3 } }',
    );
    const hosts = ["web-1", "web-3", "web-4"];
    const alerts = [
      ...hosts.map((host) => firing(disk(host), 0)),
      resolved(disk("web-3"), 30, 0),
      firing({ alertname: "End" }, 60 * 24),
    ];
    const assume = { resetAfterMs: HOUR_MS, approveAfterMs: 1 };
    const { report, fates } = await replay(alerts, catalogue(AUTO, storm), { assume });
    expect(report.after.breakers).toMatchObject([{ scope: "global" }]);
    const told = Object.fromEntries(fates.map(({ target, kind, waitedFor }) => [target, { kind, waitedFor }]));
    expect(told).toMatchObject({
      "host/web-1": { kind: "acted", waitedFor: expect.arrayContaining(["STORM"]) as unknown },
      "host/web-3": { kind: "recovered" },
      "host/web-4": { kind: "acted", waitedFor: expect.arrayContaining(["STORM"]) as unknown },
    });
  });

  it("tells a person about a target that nobody can name, and says nothing of what no runbook matches", async () => {
    const alerts = [firing({ alertname: "DiskFailing" }, 0), firing({ alertname: "Other", host: "web-1" }, 1)];
    const { report, fates } = await replay(alerts, catalogue());
    expect(fates).toMatchObject([
      { kind: "refused", codes: ["TARGET_EMPTY"], target: expect.stringContaining("unknown/") as unknown },
    ]);
    expect(report.after.fates.unmatched).toBe(1);
  });

  it("refuses where a `require` needs evidence that nobody recorded", async () => {
    const needs = edited("target.diskCount == 1", 'collected.disk.serial == "S1"', AUTO);
    const alerts = [firing(disk("web-1"), 0), firing({ alertname: "End" }, 60)];
    expect((await replay(alerts, catalogue(needs))).fates).toMatchObject([{ kind: "acted" }]);
    const { fates } = await replay(alerts, catalogue(needs), { assume: { evidence: () => null } });
    expect(fates[0]).toMatchObject({ kind: "refused", codes: ["FACTS_UNAVAILABLE", "APPROVAL_REQUIRED"] });
  });

  it("tells at the end of the recording what still waits", async () => {
    const alerts = ["web-1", "web-3"].map((host) => firing(disk(host), 0));
    const { fates } = await replay([...alerts, firing({ alertname: "End" }, 20)], catalogue());
    expect(fates.map(({ kind }) => kind)).toEqual(["acted", "waiting"]);
  });
});

describe("two worlds side by side", () => {
  const alerts = ["web-1", "web-3", "web-4"].flatMap((host, index) => [
    firing(disk(host), index * 300),
    resolved(disk(host), index * 300 + 200, index * 300),
  ]);

  it("finds no difference between a catalogue and itself", async () => {
    const { report } = await replay(alerts, catalogue(), { before: catalogue() });
    expect(report.comparison).toMatchObject({ faults: 3, changed: 0, moves: [], examples: [] });
    expect(report.before?.fates).toEqual(report.after.fates);
  });

  it("names new and lost actions, refusals and approvals", async () => {
    const observed = catalogue(RUNBOOK);
    const forth = (await replay(alerts, catalogue(), { before: observed })).report.comparison;
    expect(forth).toMatchObject({ changed: 3, changes: { "new-action": 3, "lost-action": 0, approval: 3 } });
    expect(forth?.moves).toEqual([
      { before: "observed disk MODE_OBSERVE+APPROVAL_REQUIRED", after: "acted disk (a person was asked)", faults: 3 },
    ]);
    const back = (await replay(alerts, observed, { before: catalogue() })).report.comparison;
    expect(back).toMatchObject({ changes: { "new-action": 0, "lost-action": 3 } });
    const picky = catalogue(edited("target.diskCount == 1", "target.diskCount == 2", AUTO));
    const refused = (await replay(alerts, picky, { before: catalogue() })).report.comparison;
    expect(refused).toMatchObject({ changes: { refuse: 3, "lost-action": 3 } });
  });

  it("compares what only one of them matches", async () => {
    const other = catalogue(edited("DiskFailing", "AnotherName", AUTO));
    const { report } = await replay(alerts, catalogue(), { before: other });
    expect(report.comparison?.moves).toEqual([
      { before: "unmatched", after: "acted disk (a person was asked)", faults: 3 },
    ]);
    expect(report.comparison?.changes["new-action"]).toBe(3);
  });
});
