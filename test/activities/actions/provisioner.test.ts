import { describe, expect, it } from "vitest";
import { act, activeNode, world } from "./fakes.ts";

const BEFORE = "2026-01-01T00:00:00.000Z";
const AFTER = "2026-01-01T02:00:00.000Z";
const mine = { key: "rem/rung/s1", changedAtBefore: BEFORE };
const others = { key: "other", changedAtBefore: BEFORE };

describe("provisioner.rebuild", () => {
  it("rebuilds: pending while it is installed, happened when it is active again", async () => {
    const w = world();
    const rebuild = act(w, "provisioner.rebuild");
    expect(await rebuild.observe()).toMatchObject({ state: "notHappened" });
    await rebuild.apply();
    const wait = { system: "provisioner", ref: "web-1", seen: "busy" };
    expect(await rebuild.observe()).toMatchObject({ state: "pending", wait });
    w.nodes.set("web-1", activeNode({ changedAt: AFTER, noted: mine }));
    expect(await rebuild.observe()).toMatchObject({ state: "happened", result: { node: "web-1", changedAt: AFTER } });
  });

  const failedNode = { state: "failed", rawState: "deploy failed", error: "no space" } as const;
  const busy = { state: "busy", rawState: "deploying" } as const;
  it.each([
    ["noted and unchanged: the request never took effect", activeNode({ noted: mine }), "notHappened"],
    ["noted by another remediation and at rest", activeNode({ noted: others, changedAt: AFTER }), "notHappened"],
    ["noted by another remediation and busy", activeNode({ ...busy, noted: others }), "failed"],
    ["busy with nothing noted", activeNode(busy), "failed"],
    ["failed since", activeNode({ ...failedNode, noted: mine, changedAt: AFTER }), "failed"],
    ["failed before it was asked for", activeNode({ ...failedNode, noted: mine }), "notHappened"],
    [
      "ended somewhere else",
      activeNode({ state: "other", rawState: "available", noted: mine, changedAt: AFTER }),
      "failed",
    ],
    ["active, but it does not say since when", activeNode({ changedAt: null, noted: mine }), "unknown"],
  ])("%s", async (_, node, state) => {
    const w = world();
    w.nodes.set("web-1", node);
    const seen = await act(w, "provisioner.rebuild").observe();
    expect(seen).toMatchObject({ state });
    if (state === "failed" && node.error) expect(seen.detail).toContain(node.error);
  });

  it("fails for a node that does not exist", async () => {
    expect(await act(world(), "provisioner.rebuild", { node: "nope" }).observe()).toMatchObject({ state: "failed" });
  });
});
