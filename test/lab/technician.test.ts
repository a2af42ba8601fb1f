import { describe, expect, it } from "vitest";
import { call, dig, HOUR, haproxy, lab, MINUTE, orderRebuild, orderSwap, query, rt } from "./support.ts";

const health = async (dc: { url: string }, host: string): Promise<number> =>
  (await call(`${dc.url}/hosts/${host}/health`)).status;

describe("the technician", () => {
  it("comes two to four hours later, swaps the disk of the ticket, says so and resolves it", async () => {
    const dc = await lab({ failing: ["web-1"] });
    const old = dc.world.host("web-1").disks[0]?.serial ?? "";
    const id = await orderSwap(dc, "web-1");
    dc.advance(2 * HOUR - 1);
    expect(dc.world.tickets.get(id)?.status).toBe("new");
    dc.advance(2 * HOUR + 15 * MINUTE + 1);
    const now = dc.world.host("web-1").disks[0]?.serial ?? "";
    expect(now).not.toBe(old);
    expect((await rt(dc, `/ticket/${id}`)).body).toMatchObject({ Status: "resolved", Owner: { id: "technician" } });
    const { body } = await rt(dc, `/ticket/${id}/attachments?fields=Content&order=DESC`);
    expect(dig(body, "items", 0, "Content")).toBe(`Replaced the disk in Bay 0: old serial ${old}, new serial ${now}.`);
  });

  it("leaves a host whose only disk it was without a system until it is rebuilt, then it is well", async () => {
    const dc = await lab({ failing: ["web-1"] });
    await haproxy(dc, "set server web/web-1 state drain");
    await orderSwap(dc, "web-1");
    dc.advance(5 * HOUR);
    expect(await health(dc, "web-1")).toBe(503);
    expect(await query(dc, 'smart_failing{host="web-1"}')).toEqual([]);
    await orderRebuild(dc, "web-1");
    dc.advance(HOUR);
    expect(await health(dc, "web-1")).toBe(200);
    expect((await query(dc, 'smart_failing{host="web-1"}'))[0]?.value[1]).toBe("0");
  });

  it("keeps a host with two disks running", async () => {
    const dc = await lab({ failing: ["db-1"] });
    await orderSwap(dc, "db-1");
    dc.advance(5 * HOUR);
    expect(await health(dc, "db-1")).toBe(200);
    expect(dc.world.failing()).toEqual([]);
  });

  it("finds the disk by bay when the text has no serial, and asks when it has neither", async () => {
    const dc = await lab();
    const open = (Content: string): ReturnType<typeof rt> =>
      rt(dc, "/ticket", { method: "POST", json: { Queue: "datacenter", Subject: "disk", Content } });
    await open("please swap slot 1 of db-1");
    await open("a disk somewhere is broken");
    dc.advance(6 * HOUR);
    expect(dc.world.host("db-1").disks.map(({ slot }) => slot)).toEqual([0, 1]);
    expect(dc.world.log.find(({ what }) => what === "disk-swapped")).toMatchObject({
      host: "db-1",
      detail: expect.stringContaining("Bay 1"),
    });
    expect(dc.world.tickets.get(2)?.status).toBe("stalled");
  });

  it("does nothing for a ticket that was withdrawn before he came", async () => {
    const dc = await lab({ failing: ["web-1"] });
    const id = await orderSwap(dc, "web-1");
    dc.advance(HOUR);
    await rt(dc, `/ticket/${id}`, { method: "PUT", json: { Status: "rejected" } });
    dc.advance(10 * HOUR);
    expect(dc.world.host("web-1").swaps).toBe(0);
  });

  it("works one ticket after the other when alone", async () => {
    const dc = await lab({ technician: { count: 1, arrivalMs: [HOUR, HOUR], swapMs: [30 * MINUTE, 30 * MINUTE] } });
    for (const host of ["web-1", "web-2", "web-3"]) await orderSwap(dc, host);
    dc.advance(2 * HOUR);
    expect(dc.world.tickets.all().map(({ status }) => status)).toEqual(["resolved", "resolved", "open"]);
    dc.advance(30 * MINUTE);
    expect(dc.world.tickets.all().every(({ status }) => status === "resolved")).toBe(true);
  });
});

describe("a technician who errs", () => {
  it("technician-absent: nobody comes until it is cleared", async () => {
    const dc = await lab();
    const fault = dc.inject({ name: "technician-absent" });
    await orderSwap(dc, "web-1");
    dc.advance(100 * HOUR);
    expect(dc.world.tickets.get(1)?.status).toBe("new");
    dc.clear(fault.id);
    dc.advance(5 * HOUR);
    expect(dc.world.tickets.get(1)?.status).toBe("resolved");
  });

  it("wrong-disk: resolves the ticket while the old serial stays", async () => {
    const dc = await lab({ failing: ["web-1", "db-1"] });
    dc.inject({ name: "wrong-disk" });
    const serial = (host: string): string | undefined => dc.world.host(host).disks[0]?.serial;
    const before = [serial("web-1"), serial("db-1")];
    await orderSwap(dc, "web-1");
    await orderSwap(dc, "db-1");
    dc.advance(6 * HOUR);
    expect(dc.world.tickets.all().map(({ status }) => status)).toEqual(["resolved", "resolved"]);
    expect([serial("web-1"), serial("db-1")]).toEqual(before);
    expect(dc.world.log.filter(({ what }) => what === "disk-swapped")).toMatchObject([
      { host: "db-1", detail: expect.stringContaining("Bay 1") },
    ]);
  });

  it("bad-new-disk: the new disk fails as well", async () => {
    const dc = await lab({ failing: ["web-1"] });
    dc.inject({ name: "bad-new-disk", host: "web-1", count: 1 });
    await orderSwap(dc, "web-1");
    dc.advance(5 * HOUR);
    await orderRebuild(dc, "web-1");
    dc.advance(HOUR);
    expect((await query(dc, 'smart_failing{host="web-1"}'))[0]?.value[1]).toBe("1");
  });
});
