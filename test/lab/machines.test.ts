import { describe, expect, it } from "vitest";
import { type Answer, call, dig, HOUR, ironic, lab, listAt, MINUTE, orderRebuild, query, textAt } from "./support.ts";

const reset = (dc: { url: string }, system: string, ResetType: string): ReturnType<typeof call> =>
  call(`${dc.url}/redfish/v1/Systems/${system}/Actions/ComputerSystem.Reset`, { method: "POST", json: { ResetType } });

/** Ironic puts JSON into a text inside JSON. */
const ironicFault = (answer: Answer): unknown => JSON.parse(textAt(answer.body, "error_message"));

describe("Ironic", () => {
  it("negotiates the microversion and names nodes only from 1.5 on", async () => {
    const dc = await lab();
    const root = await ironic(dc, "/");
    expect(dig(root.body, "default_version")).toMatchObject({ id: "v1", min_version: "1.1", version: "1.115" });
    expect(root.headers.get("x-openstack-ironic-api-version")).toBe("1.81");
    expect((await call(`${dc.url}/ironic/v1/nodes/web-1`)).status).toBe(404);
    const bad = await call(`${dc.url}/ironic/v1/nodes`, { headers: { "X-OpenStack-Ironic-API-Version": "9.99" } });
    expect(bad.status).toBe(406);
  });

  it("shows a node by name and uuid, and all of them", async () => {
    const dc = await lab();
    const node = (await ironic(dc, "/v1/nodes/web-1")).body;
    expect(node).toMatchObject({
      name: "web-1",
      provision_state: "active",
      target_provision_state: null,
      power_state: "power on",
      last_error: null,
      extra: {},
      maintenance: false,
    });
    expect(dig(node, "provision_updated_at")).toMatch(/^202[67]-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/);
    expect(dig((await ironic(dc, `/v1/nodes/${textAt(node, "uuid")}`)).body, "name")).toBe("web-1");
    expect(dig((await ironic(dc, "/v1/nodes/detail")).body, "nodes")).toHaveLength(10);
    const page = (await ironic(dc, "/v1/nodes?fields=name,provision_state&limit=4")).body;
    expect(dig(page, "nodes", 0)).toEqual({ name: "web-1", provision_state: "active", links: expect.any(Array) });
    expect(dig((await ironic(dc, textAt(page, "next").slice(`${dc.url}/ironic`.length))).body, "nodes")).toHaveLength(
      4,
    );
  });

  it("rebuilds: deploying, wait call-back, deploying, active, and then it boots", async () => {
    const dc = await lab();
    const states: unknown[] = [];
    expect(await orderRebuild(dc, "web-1", "key-1")).toBe(202);
    for (let i = 0; i < 90; i++) {
      const provision_state = dig((await ironic(dc, "/v1/nodes/web-1")).body, "provision_state");
      if (states.at(-1) !== provision_state) states.push(provision_state);
      dc.advance(30_000);
    }
    expect(states).toEqual(["deploying", "wait call-back", "deploying", "active"]);
    const node = (await ironic(dc, "/v1/nodes/web-1")).body;
    expect(node).toMatchObject({
      extra: { selfheal: { key: "key-1" } },
      target_provision_state: null,
      reservation: null,
    });
    expect(dc.world.log.find(({ what }) => what === "rebuild-started")).toMatchObject({ host: "web-1", key: "key-1" });
    expect((await query(dc, 'node_boot_generation{host="web-1"}'))[0]?.value[1]).toBe("2");
  });

  it("answers 409 while the node is locked, 400 in another wrong state, and starts nothing", async () => {
    const dc = await lab();
    await orderRebuild(dc, "web-1");
    const put = (): ReturnType<typeof ironic> =>
      ironic(dc, "/v1/nodes/web-1/states/provision", { method: "PUT", json: { target: "rebuild" } });
    const locked = await put();
    expect(locked.status).toBe(409);
    expect(ironicFault(locked)).toMatchObject({
      faultcode: "Client",
      faultstring: expect.stringContaining("is locked by host"),
    });
    dc.advance(MINUTE);
    const wrong = await put();
    expect(wrong.status).toBe(400);
    expect(dig(ironicFault(wrong), "faultstring")).toContain('while it is in state "wait call-back"');
    const patch = await ironic(dc, "/v1/nodes/web-1", {
      method: "PATCH",
      json: [{ op: "add", path: "/extra/x", value: 1 }],
    });
    expect(patch.status).toBe(409);
    expect(dc.world.host("web-1").rebuilds).toBe(1);
  });

  it("answers 500 to a rebuild without an image", async () => {
    const dc = await lab();
    const answer = await ironic(dc, "/v1/nodes/web-1/states/provision", { method: "PUT", json: { target: "rebuild" } });
    expect(answer.status).toBe(500);
    expect(dc.world.host("web-1").rebuilds).toBe(0);
  });

  it("refuses patches that do not fit", async () => {
    const dc = await lab();
    const patch = async (json: unknown): Promise<string> => {
      const answer = await ironic(dc, "/v1/nodes/web-1", { method: "PATCH", json });
      return `${answer.status} ${textAt(ironicFault(answer), "faultstring")}`;
    };
    expect(await patch([{ op: "remove", path: "/extra/nope" }])).toMatch(
      /^400 Couldn't apply patch .*non-existent object 'nope'/,
    );
    expect(await patch({})).toMatch(/^400 Schema error for patch/);
  });
});

describe("Redfish", () => {
  it("leads from the service root to the drives", async () => {
    const dc = await lab({ failing: ["db-1"] });
    const get = async (path: string): Promise<unknown> => (await call(`${dc.url}${path}`)).body;
    const follow = (from: unknown, ...path: (string | number)[]): Promise<unknown> =>
      get(textAt(from, ...path, "@odata.id"));
    const root = await get("/redfish/v1/");
    const systems = await follow(root, "Systems");
    expect(dig(systems, "Members@odata.count")).toBe(10);
    const system = await get(`/redfish/v1/Systems/${dc.world.host("db-1").systemId}`);
    const storages = await follow(system, "Storage");
    const storage = await follow(storages, "Members", 0);
    const drives = await Promise.all(listAt(storage, "Drives").map((drive) => follow(drive)));
    expect(drives).toMatchObject([
      {
        SerialNumber: dc.world.host("db-1").disks[0]?.serial,
        Status: { Health: "Critical" },
        FailurePredicted: true,
        PhysicalLocation: { PartLocation: { ServiceLabel: "Bay 0" } },
      },
      { Status: { Health: "OK" }, FailurePredicted: false },
    ]);
  });

  it("answers a reset at once; the state follows 1 to 11 seconds later, the service after the boot", async () => {
    const dc = await lab();
    const { systemId } = dc.world.host("web-1");
    const power = async (): Promise<unknown> =>
      dig((await call(`${dc.url}/redfish/v1/Systems/${systemId}`)).body, "PowerState");
    expect((await reset(dc, systemId, "ForceOff")).status).toBe(204);
    expect(await power()).toBe("PoweringOff");
    dc.advance(11_000);
    expect(await power()).toBe("Off");
    expect((await call(`${dc.url}/hosts/web-1/health`)).status).toBe(503);
    await reset(dc, systemId, "On");
    dc.advance(11_000);
    expect(await power()).toBe("On");
    expect((await call(`${dc.url}/hosts/web-1/health`)).status).toBe(503);
    dc.advance(2 * MINUTE);
    expect((await call(`${dc.url}/hosts/web-1/health`)).status).toBe(200);
    expect(dc.world.host("web-1").bootGeneration).toBe(2);
  });

  it("brings a hanging host back by a restart", async () => {
    const dc = await lab();
    dc.world.crash("web-1");
    await reset(dc, dc.world.host("web-1").systemId, "ForceRestart");
    dc.advance(3 * MINUTE);
    expect((await call(`${dc.url}/hosts/web-1/health`)).body).toMatchObject({ status: "ok", bootGeneration: 2 });
  });

  it("refuses what it does not know", async () => {
    const dc = await lab();
    expect((await reset(dc, dc.world.host("web-1").systemId, "Nope")).status).toBe(501);
    expect(dig((await call(`${dc.url}/redfish/v1/Systems/nope`)).body, "error", "message")).toContain(
      "nope was not found",
    );
  });
});

describe("the installer", () => {
  it("installer-fails ends in `deploy failed` with the reason, and may be tried again", async () => {
    const dc = await lab();
    dc.inject({ name: "installer-fails", host: "web-1", count: 1 });
    await orderRebuild(dc, "web-1");
    dc.advance(HOUR);
    const node = (await ironic(dc, "/v1/nodes/web-1")).body;
    expect(node).toMatchObject({
      provision_state: "deploy failed",
      last_error: expect.stringContaining("Input/output error"),
    });
    expect((await call(`${dc.url}/hosts/web-1/health`)).status).toBe(503);
    expect(await orderRebuild(dc, "web-1")).toBe(202);
    dc.advance(HOUR);
    expect((await call(`${dc.url}/hosts/web-1/health`)).status).toBe(200);
  });

  it("installer-stuck stays in `wait call-back` for ever", async () => {
    const dc = await lab();
    dc.inject({ name: "installer-stuck", host: "web-1" });
    await orderRebuild(dc, "web-1");
    dc.advance(100 * HOUR);
    expect(dig((await ironic(dc, "/v1/nodes/web-1")).body, "provision_state")).toBe("wait call-back");
  });
});
