import { describe, expect, it } from "vitest";
import { act, drive, world } from "./fakes.ts";

describe("host.smartReport", () => {
  const report = async (drives: ReturnType<typeof drive>[], input: { device?: string } = {}) => {
    const w = world();
    w.drives = drives;
    return act(w, "host.smartReport", input).observe();
  };

  it("names the one drive that fails, with all drives as evidence", async () => {
    const seen = await report([drive("0", "A"), drive("1", "B", { failurePredicted: true })]);
    expect(seen).toMatchObject({ state: "happened", result: { serial: "B", slot: "1", model: "M", health: "ok" } });
    if (seen.state === "happened") expect(seen.result["drives"]).toHaveLength(2);
  });

  it("names the only drive there is, and the one that is meant by id, slot or serial", async () => {
    expect(await report([drive("0", "A")])).toMatchObject({ state: "happened", result: { serial: "A" } });
    for (const device of ["disk-1", "1", "b"]) {
      const seen = await report([drive("0", "A"), drive("1", "B")], { device });
      expect(seen).toMatchObject({ state: "happened", result: { serial: "B" } });
    }
  });

  it("knows a device name of the operating system only when one drive alone fails", async () => {
    const failing = drive("1", "B", { health: "critical" });
    expect(await report([drive("0", "A"), failing], { device: "sda" })).toMatchObject({ result: { serial: "B" } });
    expect(await report([drive("0", "A"), drive("1", "B")], { device: "sda" })).toMatchObject({ state: "unknown" });
  });

  it("is unknown whenever it is not certain which drive it is", async () => {
    const bad = { health: "critical" } as const;
    const cases = [
      [],
      [drive("0", "A"), drive("1", "B")],
      [drive("0", "A", bad), drive("1", "B", bad)],
      [drive("0", "", bad)],
      [drive("0", "  ", bad)],
      [drive("0", "A", bad), drive("1", "a")],
    ];
    for (const drives of cases) expect(await report(drives)).toMatchObject({ state: "unknown" });
    expect(await report([drive("0", "A"), drive("1", "B", bad)], { device: "0" })).toMatchObject({ state: "unknown" });
  });
});

describe("host.assertDiskReplaced", () => {
  const check = async (drives: ReturnType<typeof drive>[], slot?: string) => {
    const w = world();
    w.drives = drives;
    return act(w, "host.assertDiskReplaced", { oldSerial: "OLD", ...(slot === undefined ? {} : { slot }) }).observe();
  };

  it("holds when the old one is gone and a healthy one with another serial is in the slot", async () => {
    const seen = await check([drive("0", "A"), drive("1", "NEW")], "1");
    expect(seen).toMatchObject({ state: "happened", result: { serial: "NEW", slot: "1" } });
    expect(await check([drive("1", "NEW")])).toMatchObject({ state: "happened" });
  });

  it("fails while the old drive is there, in its slot or in any other, however its serial is written", async () => {
    expect(await check([drive("1", "OLD")], "1")).toMatchObject({ state: "failed" });
    expect(await check([drive("1", "NEW"), drive("2", "old ")], "1")).toMatchObject({ state: "failed" });
  });

  it("fails when the slot is empty or the new drive is not healthy", async () => {
    expect(await check([drive("0", "A")], "1")).toMatchObject({ state: "failed" });
    expect(await check([drive("1", "NEW", { health: "warning" })], "1")).toMatchObject({ state: "failed" });
    expect(await check([drive("1", "NEW", { failurePredicted: true })], "1")).toMatchObject({ state: "failed" });
  });

  it("is unknown when the BMC cannot say", async () => {
    expect(await check([], "1")).toMatchObject({ state: "unknown" });
    expect(await check([drive("0", ""), drive("1", "NEW")], "1")).toMatchObject({ state: "unknown" });
    expect(await check([drive("1", "NEW", { health: "unknown" })], "1")).toMatchObject({ state: "unknown" });
    expect(await check([drive("1", "NEW"), drive("1", "B")], "1")).toMatchObject({ state: "unknown" });
  });
});

describe("host.powerOff and host.powerOn", () => {
  it("switch, are pending while it changes, and are read back", async () => {
    const w = world();
    const off = act(w, "host.powerOff");
    expect(await off.observe()).toMatchObject({ state: "notHappened" });
    await off.apply();
    expect(await off.observe()).toMatchObject({ state: "happened" });
    w.power = "changing";
    expect(await off.observe()).toMatchObject({ state: "pending", wait: { system: "bmc", ref: "web-1" } });
    await off.apply("undo");
    expect(await off.observe("undo")).toMatchObject({ state: "happened" });
    expect(await act(w, "host.powerOn").observe()).toMatchObject({ state: "happened" });
  });
});
