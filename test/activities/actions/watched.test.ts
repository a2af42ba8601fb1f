import { describe, expect, it } from "vitest";
import { readWatched } from "../../../src/activities/watched.ts";
import { act, server, world } from "./fakes.ts";

describe("readWatched", () => {
  it("writes down the same words as the actions that wait, for each system", async () => {
    const w = world();
    w.servers[0] = server("web-1", { sessions: 2 });
    await act(w, "ticket.open", { queue: "q" }).apply();
    await act(w, "loadbalancer.drain").apply();
    await act(w, "provisioner.rebuild").apply();
    w.power = "changing";
    const waiting = [
      act(w, "ticket.awaitResolved", { ticket: "9" }),
      act(w, "loadbalancer.drain"),
      act(w, "provisioner.rebuild"),
      act(w, "host.powerOff"),
    ];
    for (const one of waiting) {
      const seen = await one.observe();
      if (seen.state !== "pending") throw new Error(`${seen.state}: ${seen.detail}`);
      const { system, ref, seen: word } = seen.wait;
      expect((await readWatched(w.ports, system, [ref])).get(ref)).toBe(word);
    }
  });

  it("says gone for what is not there any more, so that the waiter looks", async () => {
    const seen = await readWatched(world().ports, "tickets", ["1", "2"]);
    expect([...seen]).toEqual([
      ["1", "gone"],
      ["2", "gone"],
    ]);
  });
});
