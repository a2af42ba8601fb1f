import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RecordStore } from "../../src/record/api.ts";
import { admitted, admitting, anIntent, aPlan, cap, closing, hashOfPlan, planned, result } from "../record/builders.ts";
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
  await api.database.sql("truncate pauses, catalogue_active, catalogues cascade");
});

async function call(path: string, body?: object): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${api.server.url}/v1${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization: `Bearer ${API_TOKEN}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

async function withCatalogue(): Promise<void> {
  const content = {
    config: { groups: { web: {}, db: {} } },
    inventory: {
      apiVersion: "selfheal/v1",
      kind: "Inventory",
      racks: { r1: { region: "eu" } },
      targets: [{ kind: "host", id: "web-1", group: "web", rack: "r1", services: ["shop"] }],
    },
    runbooks: [{ metadata: { name: "disk" } }],
  };
  await record.saveCatalogue("v1", content);
  await record.activateCatalogue("v1");
}

const said = { by: "ann", reason: "incident 7" };

describe("/v1/pauses", () => {
  it("pauses a scope for a time, lists it, and resumes it by scope, telling who waited", async () => {
    const paused = await call("/pauses", { scope: "group:web", forMs: 3_600_000, ...said });
    expect(paused).toMatchObject({ status: 200, body: { scope: "group:web", by: "ann" } });
    const until = Date.parse(String(paused.body["until"]));
    expect(until - Date.parse(String(paused.body["at"]))).toBeGreaterThan(3_590_000);
    expect((await call("/pauses")).body).toEqual({ pauses: [paused.body] });

    const plan = aPlan({ target: "web-9" });
    const id = await planned(record, plan);
    await admitting(record, id, plan, (counted) => [result(counted.pauses.length > 0 ? "wait" : "pass", "PAUSED")]);
    const resumed = await call("/pauses/resume", { what: "group:web", by: "ann" });
    expect(resumed.body).toEqual({ resumed: [paused.body], hinted: 1 });
    expect(api.temporal.hints).toEqual([{ workflowId: "heal:host:web-9", about: `${id}/queue` }]);
    expect((await call("/pauses")).body).toEqual({ pauses: [] });
  });

  it("resumes one of two pauses by the beginning of its id", async () => {
    const first = await call("/pauses", { scope: "global", ...said });
    await call("/pauses", { scope: "global", ...said, reason: "another" });
    const resumed = await call("/pauses/resume", { what: String(first.body["id"]).slice(0, 8), by: "ann" });
    expect(resumed.body["resumed"]).toHaveLength(1);
    expect(await record.pauses()).toMatchObject([{ reason: "another" }]);
  });

  it("says which pauses there are when none fits", async () => {
    const none = await call("/pauses/resume", { what: "group:web", by: "ann" });
    expect(none).toMatchObject({ status: 404, body: { detail: expect.stringContaining("there is none") as string } });
  });

  it.each([
    ["group:wbe", "one that the catalogue has: group:db, group:web"],
    ["rack:r2", "one that the catalogue has: rack:r1"],
    ["web", "global, group:NAME"],
    ["runbook:disk@shop", "runbook:disk@db, runbook:disk@web"],
  ])("refuses %s, which would stop nothing", async (scope, wouldBeRight) => {
    await withCatalogue();
    const answer = await call("/pauses", { scope, ...said });
    expect(answer).toMatchObject({ status: 422, body: { field: "scope" } });
    expect(answer.body["detail"]).toContain(wouldBeRight);
    expect(await record.pauses()).toEqual([]);
  });

  it.each([
    "global",
    "group:web",
    "rack:r1",
    "region:eu",
    "service:shop",
    "runbook:disk",
    "runbook:disk@web",
    "target:host:web-1",
  ])("takes %s", async (scope) => {
    await withCatalogue();
    expect((await call("/pauses", { scope, ...said })).status).toBe(200);
  });

  it.each([
    [{ scope: "global", by: "ann" }, "reason"],
    [{ scope: "global", by: "ann", reason: " " }, "reason"],
    [{ scope: "global", ...said, forMs: 0 }, "forMs"],
    [{ scope: "global", reason: "x" }, "by"],
  ])("refuses %o and names the field", async (body, field) => {
    expect(await call("/pauses", body)).toMatchObject({ status: 422, body: { field } });
  });

  it.each(["/pauses", "/queue", "/breakers", "/left-out"])("asks for the token at %s", async (path) => {
    expect((await fetch(`${api.server.url}/v1${path}`)).status).toBe(401);
  });
});

describe("/v1/queue", () => {
  it("says who waits, why, and who holds it", async () => {
    const caps = [cap("group:web", 1)];
    await admitted(record, aPlan({ target: "web-1", caps }));
    const plan = aPlan({ target: "web-2", caps });
    const id = await planned(record, plan);
    await admitting(record, id, plan);
    const { body } = await call("/queue");
    expect(body["queue"]).toMatchObject([{ remediationId: id, position: 1, target: { id: "web-2" } }]);
    expect(JSON.stringify(body)).toContain('"holders":[{"remediationId"');
  });
});

describe("/v1/breakers", () => {
  const trip = async (kind: "storm" | "correlation" = "storm"): Promise<string[]> => {
    const ids: string[] = [];
    for (const target of ["web-1", "web-2"]) {
      const plan = aPlan({ target });
      const id = await planned(record, plan);
      const trips = [{ kind, scope: "group:web" }];
      await record.admit({
        remediationId: id,
        plan,
        planHash: hashOfPlan(plan),
        evaluate: () => [result("wait", "STORM", { trips })],
      });
      ids.push(id);
    }
    return ids;
  };

  it("lists what is open, and a reset that re-evaluates tells everybody who waited", async () => {
    const ids = await trip();
    expect((await call("/breakers")).body["breakers"]).toMatchObject([
      { scope: "group:web", kind: "storm", waiting: 2 },
    ]);
    const answer = await call("/breakers/reset", { scope: "group:web", how: "reEvaluate", ...said });
    expect(answer).toMatchObject({ status: 200, body: { dropped: [], hinted: 2 } });
    expect(api.temporal.hints.map((one) => one.about).sort()).toEqual(ids.map((id) => `${id}/queue`).sort());
    expect(api.temporal.decisions).toEqual([]);
    expect((await call("/breakers")).body).toEqual({ breakers: [] });
  });

  it.each(["storm", "correlation"] as const)(
    "a reset of a %s that drops cancels everybody who waited, in the person's name",
    async (kind) => {
      const ids = await trip(kind);
      const answer = await call("/breakers/reset", { scope: "group:web", how: "drop", ...said });
      expect((answer.body["dropped"] as string[]).sort()).toEqual([...ids].sort());
      expect(api.temporal.decisions).toMatchObject([
        { workflowId: "heal:host:web-1", decision: { kind: "cancel", message: { by: "ann" } } },
        { workflowId: "heal:host:web-2", decision: { kind: "cancel" } },
      ]);
    },
  );

  it("stays open when somebody could not be cancelled", async () => {
    await trip();
    api.temporal.onDecide = () => {
      throw new Error("Temporal is away");
    };
    expect((await call("/breakers/reset", { scope: "group:web", how: "drop", ...said })).status).toBe(500);
    expect(await record.breakers()).toHaveLength(1);
  });

  it("names the open ones when the scope has none, and wants to know what becomes of the waiters", async () => {
    await trip();
    const none = await call("/breakers/reset", { scope: "global", how: "drop", ...said });
    expect(none).toMatchObject({ status: 404, body: { detail: expect.stringContaining("group:web") as string } });
    expect(await call("/breakers/reset", { scope: "group:web", ...said })).toMatchObject({
      status: 422,
      body: { field: "how" },
    });
  });
});

describe("/v1/left-out", () => {
  it("lists what was left out of service, and a person says that it is back", async () => {
    const id = await admitted(record, aPlan({ target: "web-7" }));
    await record.beginEffect(anIntent(id));
    await record.settleEffect(anIntent(id).key, "happened", null, "drained");
    await record.close(closing(id, { outcome: "escalated" }));
    expect((await call("/left-out")).body["leftOut"]).toMatchObject([{ target: { id: "web-7" }, remediationId: id }]);
    expect((await call("/left-out/back", { target: "web-8", ...said })).status).toBe(404);
    const answer = await call("/left-out/back", { target: "host/web-7", ...said });
    expect(answer.body).toMatchObject({ target: { kind: "host", id: "web-7" }, remediations: [id] });
    expect((await call("/left-out")).body).toEqual({ leftOut: [] });
  });

  it("lists also a target of which nobody knows what an effect did, and names what settles it", async () => {
    const id = await admitted(record, aPlan({ target: "web-9" }));
    await record.beginEffect(anIntent(id));
    await record.close(closing(id, { outcome: "escalated" }));
    const listed = (await call("/left-out")).body["leftOut"];
    expect(listed).toMatchObject([{ target: { id: "web-9" }, remediationId: id, state: "orphaned" }]);
    const back = await call("/left-out/back", { target: "web-9", ...said });
    expect(back).toMatchObject({ status: 409 });
    expect(back.body["detail"]).toContain(`selfheal remediation release-leases ${id}`);
    // The target's name means its newest remediation, which holds nothing.
    const newer = await planned(record, aPlan({ target: "web-9" }));
    await record.close(closing(newer, { outcome: "recovered" }));
    const none = await call(`/remediations/${newer}/release-leases`, said);
    expect(none).toMatchObject({ status: 409 });
    expect(none.body["detail"]).toContain(`holds no leases; of this target ${id} does`);
    expect((await call(`/remediations/${id}/release-leases`, said)).status).toBe(200);
    expect((await call("/left-out")).body).toEqual({ leftOut: [] });
  });
});
