import { describe, expect, it } from "vitest";
import { act, applyTwice, world } from "./fakes.ts";

const input = { queue: "datacenter", serial: "OLD-1", slot: "3" };

describe("ticket.open", () => {
  it("opens exactly one ticket, even when the reply is lost and it is applied again", async () => {
    const w = world();
    const open = act(w, "ticket.open", input);
    expect(await open.observe()).toMatchObject({ state: "notHappened" });
    await applyTwice(open, w);
    expect(w.tickets).toHaveLength(1);
    expect(await open.observe()).toMatchObject({ state: "happened", result: { ticketId: "9", url: "http://rt/9" } });
  });

  it("tells the person what and where: target, rack, slot and serial", async () => {
    const w = world();
    await act(w, "ticket.open", { ...input, body: "Please swap the disk." }).apply();
    expect(w.tickets[0]).toMatchObject({ queue: "datacenter", subject: "Replace the part OLD-1 in web-1, slot 3" });
    for (const fact of ["Please swap the disk.", "web-1", "r1", "OLD-1", "Slot: 3", "rem"]) {
      expect(w.tickets[0]?.body).toContain(fact);
    }
  });

  it("keeps to the oldest of two tickets with its key, and says that there are two", async () => {
    const w = world();
    const open = act(w, "ticket.open", input);
    await open.apply();
    await w.ports.tickets.open({ key: "rem/rung/s1", queue: "q", subject: "double", body: "" });
    const seen = await open.observe();
    expect(seen).toMatchObject({ state: "happened", result: { ticketId: "9" } });
    expect(seen.detail).toContain("10");
  });

  it("undo withdraws what is open with a word of why, and leaves what a person has resolved", async () => {
    const w = world();
    const open = act(w, "ticket.open", input);
    await open.apply();
    await applyTwice(open, w, "undo");
    expect(w.tickets[0]).toMatchObject({ status: "rejected" });
    expect([...(w.tickets[0]?.comments.values() ?? [])].join()).toContain("Withdrawn");
    expect(await open.observe("undo")).toMatchObject({ state: "happened" });

    const other = act(w, "ticket.open", input, "s2");
    await other.apply();
    await w.ports.tickets.setStatus("10", "resolved", "person", "done");
    await other.apply("undo");
    expect(w.tickets[1]).toMatchObject({ status: "resolved" });
    expect(await other.observe("undo")).toMatchObject({ state: "happened" });
  });

  it("finishes: resolved when healthy, otherwise only a comment", async () => {
    const w = world();
    const [a, b] = [act(w, "ticket.open", input, "a"), act(w, "ticket.open", input, "b")];
    await a.apply();
    await b.apply();
    await a.apply("finishHealthy");
    expect(await b.observe("finishOtherwise")).toMatchObject({ state: "notHappened" });
    await b.apply("finishOtherwise");
    await b.apply("finishOtherwise");
    expect(await b.observe("finishOtherwise")).toMatchObject({ state: "happened" });
    expect(w.tickets.map((one) => one.status)).toEqual(["resolved", "open"]);
    expect(w.tickets[1]?.comments.size).toBe(1);
  });
});

describe("ticket.comment", () => {
  it("comments once", async () => {
    const w = world();
    await act(w, "ticket.open", input).apply();
    const comment = act(w, "ticket.comment", { ticket: "9", text: "hello" }, "c");
    expect(await comment.observe()).toMatchObject({ state: "notHappened" });
    await applyTwice(comment, w);
    expect(await comment.observe()).toMatchObject({ state: "happened" });
    expect(w.tickets[0]?.comments.size).toBe(1);
  });
});

describe("ticket.awaitResolved", () => {
  it("is pending while open, happened when resolved, failed when rejected or gone", async () => {
    const w = world();
    await act(w, "ticket.open", input).apply();
    const wait = act(w, "ticket.awaitResolved", { ticket: "9" });
    expect(await wait.observe()).toMatchObject({
      state: "pending",
      wait: { system: "tickets", ref: "9", seen: "open" },
    });
    await w.ports.tickets.setStatus("9", "resolved", "p", "");
    expect(await wait.observe()).toMatchObject({ state: "happened", result: { ticketId: "9" } });
    await w.ports.tickets.setStatus("9", "rejected", "p", "");
    expect(await wait.observe()).toMatchObject({ state: "failed" });
    w.tickets = [];
    expect(await wait.observe()).toMatchObject({ state: "failed" });
  });
});
