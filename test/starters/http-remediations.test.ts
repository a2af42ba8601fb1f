import { beforeEach, describe, expect, test } from "vitest";
import { DecisionRefused } from "../../src/starters/remediations.ts";
import { problem, sharedApi, WEBHOOK_TOKEN } from "./support/server.ts";

const it = await sharedApi();

describe("remediations", () => {
  const ID = "01900000-0000-7000-8000-000000000001";
  const PLAN_HASH = "f".repeat(64);
  const decide = (kind: string, body: unknown, id = ID) => it.api(`/v1/remediations/${id}/${kind}`, body);

  const tokens = () => it.database.sql("select plan_hash, person, decision, via from decision_tokens");

  beforeEach(async () => {
    await it.database.record.open({
      remediationId: ID,
      target: { kind: "host", id: "web-1" },
      workflowId: "heal:host:web-1",
      runId: "run-1",
      runbook: "disk-replacement",
      group: "web",
      owner: "sre",
      severity: "critical",
      faults: [],
    });
    await it.database.sql("update remediations set phase = 'approve', plan_hash = $1", [PLAN_HASH]);
  });

  test("are listed with filters and links", async () => {
    const answer = (await (await it.api("/v1/remediations?open=true&limit=5")).json()) as { remediations: unknown[] };
    expect(answer.remediations).toEqual([
      expect.objectContaining({
        remediationId: ID,
        links: {
          webUi: "http://ui/namespaces/default/workflows/heal%3Ahost%3Aweb-1/run-1",
          traceId: null,
          trace: null,
        },
      }),
    ]);
    expect(await (await it.api("/v1/remediations?outcome=healed")).json()).toEqual({ remediations: [], next: null });
  });

  test("name their traces and link to them, where remediations are traced", async () => {
    await it.restart({ traceUrl: "https://traces/{traceId}?all" });
    const traceId = ID.replaceAll("-", "");
    const traced = { links: { traceId, trace: `https://traces/${traceId}?all` } };
    expect(await (await it.api(`/v1/remediations/${ID}`)).json()).toMatchObject(traced);
    expect(await (await it.api("/v1/remediations")).json()).toMatchObject({ remediations: [traced] });
    await it.restart({ tracer: { now: Date.now, end: () => undefined } });
    expect(await (await it.api(`/v1/remediations/${ID}`)).json()).toMatchObject({
      links: { traceId, trace: null },
    });
  });

  test.each([
    ["phase=sleeping", "phase"],
    ["limit=0", "limit"],
    ["open=maybe", "open"],
  ])("a wrong filter %s is named", async (query, field) => {
    expect(await problem(await it.api(`/v1/remediations?${query}`))).toMatchObject({ status: 422, field });
  });

  test.each([ID, ID.slice(0, 8), "host/web-1", "web-1", encodeURIComponent("host/web-1")])(
    "one is found by %s",
    async (id) => {
      const story = (await (await it.api(`/v1/remediations/${id}`)).json()) as {
        remediation: { remediationId: string };
      };
      expect(story.remediation.remediationId).toBe(ID);
    },
  );

  test("need the API's token", async () => {
    const response = await fetch(`${it.server.url}/v1/remediations`, {
      headers: { authorization: `Bearer ${WEBHOOK_TOKEN}` },
    });
    expect((await problem(response)).status).toBe(401);
  });

  test("approve hands the exact plan's hash and the person to the workflow", async () => {
    const response = await decide("approve", { by: "ada", planHash: PLAN_HASH, reason: "looked at it" });
    expect(response.status).toBe(200);
    const message = {
      by: "ada",
      planHash: PLAN_HASH,
      reason: "looked at it",
      remediationId: ID,
      token: expect.stringMatching(/^selfheal_/),
    };
    expect(await tokens()).toEqual([{ plan_hash: PLAN_HASH, person: "ada", decision: "approve", via: "api" }]);
    expect(it.temporal.decisions).toEqual([{ workflowId: "heal:host:web-1", decision: { kind: "approve", message } }]);
    expect(it.logged).toContain(ID);
  });

  test("approve without the plan's hash is refused before anybody is asked", async () => {
    expect(await problem(await decide("approve", { by: "ada" }))).toMatchObject({ status: 422, field: "planHash" });
    expect(it.temporal.decisions).toEqual([]);
  });

  test("reject without a hash means the plan that waits", async () => {
    await decide("reject", { by: "ada" });
    expect(it.temporal.decisions[0]?.decision).toMatchObject({ kind: "reject", message: { planHash: PLAN_HASH } });
  });

  test("a token for a signal is bound to person, decision and the plan that waits, and is in no log", async () => {
    const response = await decide("token", { by: "ada", decision: "approve", expiresInSeconds: 60 });
    expect(response.headers.get("cache-control")).toBe("no-store");
    const answer = (await response.json()) as { token: string };
    expect(answer).toMatchObject({ planHash: PLAN_HASH, workflowId: "heal:host:web-1", by: "ada" });
    expect(await tokens()).toEqual([{ plan_hash: PLAN_HASH, person: "ada", decision: "approve", via: "signal" }]);
    expect(it.logged).toContain("one-time token given out");
    expect(it.logged).not.toContain(answer.token);
    const other = await problem(await decide("token", { by: "ada", decision: "approve", planHash: "1" }));
    expect(other).toMatchObject({ status: 409, detail: expect.stringContaining("planHash: got 1") });
    expect(await problem(await decide("token", { by: "ada", decision: "cancel" }))).toMatchObject({
      status: 422,
      field: "decision",
    });
  });

  test.each(["take", "retry", "skip", "markDone", "release", "end"])(
    "a token to %s by a signal is about no plan",
    async (decision) => {
      const response = await decide("token", { by: "ada", decision });
      expect(await response.json()).toMatchObject({ decision, by: "ada", planHash: null });
      expect(await tokens()).toEqual([{ plan_hash: null, person: "ada", decision, via: "signal" }]);
      const wrong = await problem(await decide("token", { by: "ada", decision, planHash: PLAN_HASH }));
      expect(wrong).toMatchObject({ status: 422, field: "planHash" });
    },
  );

  test("cancel needs no plan", async () => {
    expect((await decide("cancel", { by: "ada" })).status).toBe(200);
    expect(it.temporal.decisions[0]?.decision).toEqual({
      kind: "cancel",
      message: { by: "ada", remediationId: ID },
    });
  });

  test.each(["take", "retry", "skip", "release", "end"])(
    "%s goes to the workflow with the remediation's id",
    async (kind) => {
      expect((await decide(kind, { by: "ada", at: "replace/dc" })).status).toBe(200);
      const message = { by: "ada", remediationId: ID, at: "replace/dc", token: expect.stringMatching(/^selfheal_/) };
      expect(it.temporal.decisions[0]?.decision).toEqual({ kind, message });
    },
  );

  test("mark-done carries what the step gave", async () => {
    expect((await decide("mark-done", { by: "ada", result: { ticketId: "42" } })).status).toBe(200);
    const message = {
      by: "ada",
      remediationId: ID,
      result: { ticketId: "42" },
      token: expect.stringMatching(/^selfheal_/),
    };
    expect(it.temporal.decisions[0]?.decision).toEqual({ kind: "markDone", message });
    expect(await problem(await decide("mark-done", { by: "ada", result: "42" }))).toMatchObject({
      status: 422,
      field: "result",
    });
  });

  test.each([
    ["by", {}],
    ["by", { by: "" }],
    ["reason", { by: "ada", reason: "x".repeat(501) }],
    ["via", { by: "ada", via: "magic" }],
  ])("a decision with a wrong %s is 422", async (field, body) => {
    expect(await problem(await decide("cancel", body))).toMatchObject({ status: 422, field });
  });

  test("what the workflow's validator refuses is 409 with its words", async () => {
    it.temporal.onDecide = () => {
      throw new DecisionRefused("planHash: got 1, but the plan that waits for approval is 2");
    };
    const body = await problem(await decide("approve", { by: "ada", planHash: "1" }));
    expect(body).toMatchObject({
      status: 409,
      detail: expect.stringContaining("the plan that waits for approval is 2"),
    });
  });

  test("one that is open in the record and unknown to Temporal is 409 that says so", async () => {
    it.temporal.onDecide = () => "notRunning";
    expect((await problem(await decide("cancel", { by: "ada" }))).detail).toContain("Temporal runs no workflow");
  });

  test("one that is closed takes no decision, even when the target has a new one", async () => {
    await it.database.record.close({
      remediationId: ID,
      outcome: "healed",
      needsHuman: false,
      detail: "",
      faults: [],
    });
    expect(await problem(await decide("cancel", { by: "ada" }))).toMatchObject({ status: 409 });
    expect(it.temporal.decisions).toEqual([]);
  });

  test("recover hands the person's word to the target's workflow, when its own run does not run", async () => {
    const answer = await decide("recover", { by: "ada" });
    expect([answer.status, await answer.json()]).toMatchObject([200, { remediationId: ID }]);
    expect(it.temporal.recoveries).toEqual([{ remediationId: ID, by: "ada" }]);
    it.temporal.runs.set("heal:host:web-1", { state: "running", taskAttempt: 0, activity: null });
    expect(await problem(await decide("recover", { by: "ada" }))).toMatchObject({
      status: 409,
      detail: expect.stringContaining("cancel it instead"),
    });
    expect(it.temporal.recoveries).toHaveLength(1);
  });

  test("release-leases is for closed ones that hold some, with a reason", async () => {
    const word = { by: "ada", reason: "I looked" };
    expect(await problem(await decide("release-leases", { by: "ada" }))).toMatchObject({ status: 422 });
    expect(await problem(await decide("release-leases", word))).toMatchObject({ status: 409 });
    await it.database.sql(
      "insert into leases (remediation_id, scope, state, since) values ($1, 'group:web', 'held', selfheal_now())",
      [ID],
    );
    await it.database.sql(
      `insert into effects (key, remediation_id, rung, step, action, direction, attempt, state, request, detail, intent_at)
       values ('k', $1, 'r', 's', 'loadbalancer.drain', 'apply', 1, 'unknown', '{}', '', selfheal_now())`,
      [ID],
    );
    const end = { outcome: "escalated", needsHuman: true, detail: "" } as const;
    await it.database.record.close({ remediationId: ID, faults: [], ...end });
    expect(await (await decide("release-leases", word)).json()).toMatchObject({ scopes: ["group:web"] });
    expect(await it.database.record.leases()).toEqual([]);
    const [last] = (await it.database.record.audit(ID)).slice(-1);
    expect(last).toMatchObject({ kind: "leasesReleased", body: { by: "ada", reason: "I looked" } });
    expect(await problem(await decide("release-leases", word))).toMatchObject({ status: 409 });
    expect(await problem(await decide("recover", { by: "ada" }))).toMatchObject({ status: 409 });
  });

  test("one that does not exist is 404", async () => {
    expect(await problem(await decide("cancel", { by: "ada" }, "nothing"))).toMatchObject({ status: 404 });
  });
});
