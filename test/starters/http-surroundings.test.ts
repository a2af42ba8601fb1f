import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RecordStore } from "../../src/record/api.ts";
import { NO_SURROUNDINGS } from "../policy/support.ts";
import { aPlan, hashOfPlan, planned, realPolicy } from "../record/builders.ts";
import { API_TOKEN, ApiUnderTest } from "./support/server.ts";

let api: ApiUnderTest;
let record: RecordStore;
beforeAll(async () => {
  api = await ApiUnderTest.create();
  record = api.database.record;
});
afterAll(async () => {
  await api.close();
  await api.database.drop();
});
beforeEach(async () => {
  await api.fresh();
  await api.database.sql("truncate windows, holds, catalogue_active, catalogues cascade");
  const content = {
    config: {
      groups: { web: {}, db: {} },
      windows: [
        {
          name: "night",
          kind: "maintenance",
          scopes: ["group:db"],
          weekly: { timeZone: "UTC", from: "00:00", to: "24:00" },
        },
      ],
    },
    inventory: {
      apiVersion: "selfheal/v1",
      kind: "Inventory",
      targets: [
        { kind: "host", id: "web-1", group: "web", services: ["shop"], dependsOn: ["target:host:db-1"] },
        { kind: "host", id: "db-1", group: "db" },
      ],
    },
    runbooks: [{ metadata: { name: "disk" } }],
  };
  await record.saveCatalogue("v1", content);
  await record.activateCatalogue("v1");
});

async function call(method: string, path: string, body?: object) {
  const response = await fetch(`${api.server.url}/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${API_TOKEN}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** A remediation of the target waits for what the guardrails see now. */
async function waiting(target: string, group: string): Promise<string> {
  const plan = aPlan({ target, group, limits: { surroundings: NO_SURROUNDINGS } });
  const planHash = hashOfPlan(plan);
  const remediationId = await planned(record, plan);
  const evaluate = realPolicy(plan);
  expect((await record.admit({ remediationId, plan, planHash, evaluate })).status).toBe("queued");
  return remediationId;
}

const said = { by: "ann", reason: "release 42" };

describe("/v1/windows", () => {
  it("opens one that holds its scope and what that depends on, lists it with those of the file, and closes it", async () => {
    const ask = { kind: "deploy", scope: "service:shop", forMs: 3_600_000, ...said };
    const opened = await call("POST", "/windows", ask);
    expect(opened).toMatchObject({ status: 200, body: { kind: "deploy", scope: "service:shop", by: "ann" } });
    const id = String(opened.body["id"]);
    expect((await call("GET", "/windows")).body["windows"]).toMatchObject([
      { id, kind: "deploy", open: true, until: opened.body["until"], detail: "ann: release 42" },
      { id: "night", scope: "group:db", open: true, detail: "selfheal.yaml: every day 00:00 to 24:00 UTC" },
    ]);
    const blocked = await waiting("db-1", "db");
    const closed = await call("POST", "/windows/close", { what: id.slice(0, 8), by: "ben" });
    expect(closed.body).toMatchObject({ closed: [{ id }], hinted: 1 });
    expect(api.temporal.hints).toEqual([{ workflowId: "heal:host:db-1", about: `${blocked}/queue` }]);
    expect(await call("POST", "/windows/close", { what: id, by: "ben" })).toMatchObject({ status: 404 });
  });

  it("does not ask to send again what is over by the time that it is written", async () => {
    const reply = await call("POST", "/windows", { scope: "group:web", forMs: 1, ...said });
    expect([200, 409]).toContain(reply.status);
  });

  it.each([
    ["a scope that there is not", { scope: "group:wob" }, "group:web"],
    ["no end", { forMs: undefined }, "either until or forMs"],
    ["two ends", { until: "2099-01-01T00:00:00Z" }, "either until or forMs"],
    ["an end that is over", { forMs: undefined, until: "2020-01-01T00:00:00Z" }, "a time after"],
    [
      "an end before its beginning",
      { forMs: undefined, from: "2099-01-02T00:00:00Z", until: "2099-01-01T00:00:00Z" },
      "2099-01-02",
    ],
    ["a year that no calendar has", { forMs: undefined, until: "9999-12-31T23:59:59-23:00" }, "from 1970 to 8999"],
    ["another kind", { kind: "freeze" }, "maintenance"],
  ])("refuses %s, and says what would be right", async (_what, changes, right) => {
    const reply = await call("POST", "/windows", { scope: "group:web", forMs: 1_000, ...said, ...changes });
    expect(reply.status).toBe(422);
    expect(JSON.stringify(reply.body)).toContain(right);
    expect(await record.windows()).toEqual([]);
  });

  it("asks for the token", async () => {
    for (const path of ["windows", "holds"]) expect((await fetch(`${api.server.url}/v1/${path}`)).status).toBe(401);
  });
});

describe("/v1/holds", () => {
  const hold = { target: "host/web-1", holder: "awx", reason: "job 815" };

  it("takes and renews another system's hold, publishes both sides, and wakes who waited for its release", async () => {
    expect(await call("PUT", "/holds", hold)).toMatchObject({ status: 200, body: { hold: { until: null }, ours: [] } });
    const renewed = await call("PUT", "/holds", { ...hold, forMs: 3_600_000 });
    const blocked = await waiting("web-1", "web");
    const { body } = await call("GET", "/holds");
    expect(body).toEqual({ holds: [renewed.body["hold"]], ours: [] });
    const released = await call("POST", "/holds/release", { target: "host/web-1", holder: "awx", by: "ann" });
    expect(released.body).toEqual({ target: { kind: "host", id: "web-1" }, hinted: 1 });
    expect(api.temporal.hints).toEqual([{ workflowId: "heal:host:web-1", about: `${blocked}/queue` }]);
    expect((await call("POST", "/holds/release", { target: "host/web-1", holder: "awx", by: "ann" })).status).toBe(404);
  });

  it.each([["web-1"], ["host/"], ["host/web-9"]])("refuses the target %s", async (target) => {
    expect(await call("PUT", "/holds", { ...hold, target })).toMatchObject({ status: 422 });
    expect(await record.holds()).toEqual([]);
  });

  it("is not there for a POST", async () => {
    expect(await call("POST", "/holds", hold)).toMatchObject({ status: 405 });
  });
});
