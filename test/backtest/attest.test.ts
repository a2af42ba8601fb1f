/** What a backtest says of a promotion: the runbook as if it were auto, and whether that is evidence for it. */
import { describe, expect, it } from "vitest";
import { attestedBy, promotedIn } from "../../src/backtest/attest.ts";
import { CONFIG, INVENTORY, RUNBOOK, catalogueOf } from "../catalogue/support.ts";
import { firing, replay } from "./support.ts";

const disk = (host: string) => ({ alertname: "DiskFailing", host, device: "sda" });
const END = firing({ alertname: "End" }, 24 * 60);
const ONCE = [firing(disk("web-1"), 0), END];
/** Within the cooldown of the first. */
const TWICE = [firing(disk("web-1"), 0), firing(disk("web-1"), 600), END];

const quiet = CONFIG.replace("values:", "limits: { storm: off }\ndefaults: { storm: off }\nvalues:");
const observing = (config = quiet) => catalogueOf({ config, inventory: INVENTORY, runbooks: [RUNBOOK] });

async function promoted(alerts = ONCE, config = quiet) {
  const before = observing(config);
  return (await replay(alerts, promotedIn(before, ["disk"]), { before })).report;
}

describe("a runbook as if it were promoted", () => {
  it("acts where its own mode kept it from that, at the version that it has", async () => {
    const report = await promoted();
    expect(report.before?.fates).toMatchObject({ observed: 1, acted: 0 });
    expect(report.after.fates).toMatchObject({ observed: 0, acted: 1 });
    expect(report.after.catalogue).toBe(report.before?.catalogue);
    expect(promotedIn(observing(), ["disk"]).runbooks).toEqual(observing().runbooks);
  });

  it("is held by the mode of the group and of everything, as after a promotion", async () => {
    const report = await promoted(ONCE, quiet.replace("mode: auto", "mode: observe"));
    expect(report.after.fates).toMatchObject({ observed: 1, acted: 0 });
  });

  it("leaves other runbooks as they are", async () => {
    const before = observing();
    const { report } = await replay(ONCE, promotedIn(before, ["other"]), { before });
    expect(report.after.fates).toMatchObject({ observed: 1, acted: 0 });
  });
});

describe("a backtest as evidence", () => {
  it("passes when the runbook acts and nothing of what must not be comes up", async () => {
    expect(attestedBy(await promoted(), "disk", ["refuse", "wait"])).toEqual({
      passed: true,
      summary:
        "as if promoted, over 2 firing alerts from 2026-11-01T00:00:00.000Z to 2026-11-02T00:00:00.000Z: " +
        "1 acted, 1 approvals asked; of all that changed: none of refuse, wait",
    });
  });

  it("fails with what came up", async () => {
    const attested = attestedBy(await promoted(TWICE), "disk", ["refuse", "lost-action"]);
    expect(attested).toMatchObject({ passed: false });
    expect(attested?.summary).toMatch(/1 acted, 1 refused, .*changed: 1 refuse$/);
  });

  it("fails when it never acts: that shows nothing of what it would do", async () => {
    const held = await promoted(ONCE, quiet.replace("mode: auto", "mode: observe"));
    expect(attestedBy(held, "disk", ["refuse"])).toMatchObject({ passed: false });
  });

  it("is none where the recording has no alert of it", async () => {
    expect(attestedBy(await promoted([END]), "disk", ["refuse"])).toBeNull();
  });
});
