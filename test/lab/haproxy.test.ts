import { describe, expect, it } from "vitest";
import { haproxy, lab, MINUTE, stat } from "./support.ts";

describe("HAProxy's runtime API", () => {
  it("shows servers and backends in the columns of HAProxy 2.6", async () => {
    const answer = await haproxy(await lab(), "show stat");
    const [header = "", first = ""] = answer.split("\n");
    expect(header).toMatch(
      /^# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,wredis,status,weight,act,/,
    );
    expect(header.split(",")).toHaveLength(129);
    expect(first.split(",")).toHaveLength(header.split(",").length);
    expect(answer.endsWith("\n\n")).toBe(true);
  });

  it("drains: the status says so, new sessions stop, the open ones end within five minutes", async () => {
    const dc = await lab();
    expect(Number((await stat(dc))["web/web-1"]?.["scur"])).toBeGreaterThan(10);
    expect(await haproxy(dc, "set server web/web-1 state drain")).toBe("\n");
    const drained = (await stat(dc))["web/web-1"];
    expect(drained).toMatchObject({ status: "DRAIN", weight: "100" });
    expect(Number(drained?.["scur"])).toBeGreaterThan(10);
    dc.advance(MINUTE);
    const later = Number((await stat(dc))["web/web-1"]?.["scur"]);
    expect(later).toBeLessThan(Number(drained?.["scur"]));
    dc.advance(4 * MINUTE);
    expect((await stat(dc))["web/web-1"]?.["scur"]).toBe("0");
    await haproxy(dc, "set server web/web-1 state ready");
    expect((await stat(dc))["web/web-1"]).toMatchObject({ status: "UP" });
  });

  it("tells the administrative state only in `show servers state` once a drained server is down", async () => {
    const dc = await lab();
    await haproxy(dc, "set server web/web-1 state drain");
    dc.world.crash("web-1");
    dc.advance(10_000);
    expect((await stat(dc))["web/web-1"]?.["status"]).toBe("DOWN");
    const line = (await haproxy(dc, "show servers state web")).split("\n").find((each) => each.includes(" web-1 "));
    expect(line?.split(" ").slice(5, 7)).toEqual(["0", "8"]);
  });

  it("sets weights in percent of the initial one and shows them", async () => {
    const dc = await lab();
    expect(await haproxy(dc, "set server web/web-2 weight 25%;get weight web/web-2")).toBe("\n25 (initial 100)\n\n");
    expect((await stat(dc))["web/web-2"]).toMatchObject({ weight: "25", status: "UP" });
  });

  it.each([
    ["set server nope/web-1 state drain", "No such backend.\n\n"],
    ["set server web/nope state drain", "No such server.\n\n"],
    ["get weight web/nope", "No such server.\n\n"],
    ["set server web/web-1 state bogus", "'set server <srv> state' expects 'ready', 'drain' and 'maint'.\n\n"],
    ["set server web/web-1 weight 300", "Absolute weight can only be between 0 and 256 inclusive.\n\n"],
    ["get weight web", "Require 'backend/server'.\n\n"],
    ["show servers state nope", "Can't find backend.\n\n"],
    ["show backend", "# name\nweb\napi\n\n"],
  ])("answers %j in HAProxy's words", async (line, answer) => {
    expect(await haproxy(await lab(), line)).toBe(answer);
  });

  it("answers show info, and says what an unknown command is", async () => {
    const dc = await lab();
    expect(await haproxy(dc, "show info")).toContain("Version: 2.6.12");
    expect(await haproxy(dc, "frobnicate")).toMatch(/^Unknown command\./);
  });
});

describe("live traffic", () => {
  it("reaches no dead server when a host is drained before it dies", async () => {
    const dc = await lab();
    await haproxy(dc, "set server web/web-1 state drain");
    dc.advance(5 * MINUTE);
    dc.world.crash("web-1");
    dc.advance(60 * MINUTE);
    expect(dc.world.traffic.errors()).toEqual({ dead: 0, cut: 0, unrouted: 0, overload: 0, harm: 0, failing: 0 });
    expect(Number((await stat(dc))["web/web-2"]?.["hrsp_2xx"])).toBeGreaterThan(60_000);
  });

  it("counts what users see when a host dies undrained, until the checks have noticed", async () => {
    const dc = await lab();
    dc.world.crash("web-1");
    dc.advance(6_000);
    // 20 requests a second for the six seconds that three checks take.
    expect(dc.world.traffic.errors()).toMatchObject({ dead: 120, cut: 40 });
    dc.advance(60 * MINUTE);
    expect(dc.world.traffic.errors().dead).toBe(120);
  });

  it("counts every request as an error when a pool has no server left", async () => {
    const dc = await lab();
    for (const id of ["api-1", "api-2", "api-3"]) await haproxy(dc, `set server api/${id} state drain`);
    dc.advance(10_000);
    expect(dc.world.traffic.errors("api").unrouted).toBe(600);
    expect((await stat(dc))["api/BACKEND"]).toMatchObject({ status: "DOWN", hrsp_5xx: "600" });
  });

  it("overloads what is left when too many are drained", async () => {
    const dc = await lab();
    for (const id of ["api-1", "api-2"]) await haproxy(dc, `set server api/${id} state drain`);
    dc.advance(10_000);
    expect(dc.world.traffic.errors("api").overload).toBe(200);
  });

  it("is the same however often it is read", async () => {
    const often = await lab();
    const once = await lab();
    for (const dc of [often, once]) dc.world.failDisk("web-1");
    for (let i = 0; i < 50; i++) {
      often.advance(777);
      await stat(often);
    }
    once.advance(50 * 777);
    expect(often.world.traffic.errors()).toEqual(once.world.traffic.errors());
    expect(often.world.traffic.errors().failing).toBeGreaterThan(0);
  });
});
