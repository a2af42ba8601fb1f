import { expect, it } from "vitest";
import { LOOKS } from "../../../src/watchers/look.ts";
import { act, server, world } from "./fakes.ts";

it("actions that wait and the bulk watcher write down the same words, for each system", async () => {
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
    expect((await LOOKS[system](w.ports, [ref])).get(ref)).toBe(word);
  }
});
