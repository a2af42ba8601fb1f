import { afterAll, beforeAll, expect, it } from "vitest";
import { compilePlan } from "../../src/catalogue/compile.ts";
import type { RecordStore } from "../../src/record/api.ts";
import { faultKey } from "../../src/contracts/ids.ts";
import type { ExplainAnswer } from "../../src/starters/explain.ts";
import { alertOf, catalogueOf, COLLECTED } from "../catalogue/support.ts";
import { anEpisode, closing, received } from "../record/builders.ts";
import { API_TOKEN, ApiUnderTest } from "./support/server.ts";

const catalogue = catalogueOf();
const alert = alertOf();
let api: ApiUnderTest;
let record: RecordStore;
beforeAll(async () => {
  api = await ApiUnderTest.create();
  record = api.database.record;
  await api.restart({ catalogue: () => catalogue });
});
afterAll(async () => {
  await api.close();
  await api.database.drop();
});

async function explain(body: object, url = api.server.url): Promise<{ status: number; body: ExplainAnswer }> {
  const response = await fetch(`${url}/v1/explain`, {
    method: "POST",
    headers: { authorization: `Bearer ${API_TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as ExplainAnswer };
}

const says = ({ now }: ExplainAnswer) =>
  Object.fromEntries((now.guardrails ?? []).map((one) => [one.guardrail, one.outcome]));

it("explains labels with the counts of the record, and says that it asked no probe", async () => {
  await record.pause({ scope: "group:web", reason: "incident 7", by: "ann", until: null });
  const { body } = await explain({ alert: { labels: alert.labels } });
  expect(body).toMatchObject({
    recorded: null,
    now: { target: { id: "web-1" }, plan: { hash: null }, rules: [{ runbook: "disk", matches: true }] },
  });
  expect(says(body)).toMatchObject({ pause: "wait", mode: "observe", cooldown: "pass", "facts-available": "notRead" });
  for (const { id } of await record.pauses()) await record.resume(id, "ann");
});

it("explains a remediation by what its worker read, with the hash that would be approved", async () => {
  await record.receive([received({ ...alert })]);
  const episode = anEpisode({ runbook: "disk", faults: [faultKey(alert)] });
  await record.open(episode);
  const id = episode.remediationId;
  const reading = {
    probe: "probe",
    state: "unhealthy",
    reason: "value 1",
    measured: { value: 1 },
    at: alert.receivedAt,
  };
  await record.append(id, "c1", "confirmed", { reading });
  await record.append(id, "c2", "collected", { collected: COLLECTED });
  const { body } = await explain({ remediation: "web-1" });
  expect(body.recorded).toMatchObject({ remediationId: id, outcome: null });
  expect(body.now.plan?.hash).toMatch(/^[0-9a-f]{64}$/);
  expect(Object.values(says(body))).not.toContain("notRead");
  // Its own opening does not stand in its way; another look at the same alert would wait for it.
  expect(says(body)["one-per-target"]).toBe("pass");
  expect(says((await explain({ fingerprint: alert.fingerprint })).body)["one-per-target"]).toBe("wait");
});

it("explains a remediation of several alerts by those that fire, in the order in which its workflow has them", async () => {
  const alerts = ["sdb", "sda", "sdc"].map((device) => ({
    ...alertOf({ host: "web-2", device }),
    fingerprint: device,
  }));
  const target = { kind: "host", id: "web-2" };
  for (const one of alerts) await record.receive([received(one, { target })]);
  const episode = anEpisode({ target, runbook: "disk", faults: alerts.map(faultKey) });
  await record.open(episode);
  await record.append(episode.remediationId, "c1", "collected", { collected: COLLECTED });
  const hashOf = (of: typeof alerts): string => {
    const web2 = catalogue.inventory.targets.find(({ id }) => id === "web-2")!;
    const compiled = compilePlan(catalogue, catalogue.runbooks[0]!, web2, of, COLLECTED, catalogue.actions);
    return "plan" in compiled ? compiled.planHash : compiled.detail;
  };
  const explained = async () => (await explain({ remediation: "web-2" })).body.now.plan?.hash;
  expect(await explained()).toBe(hashOf(alerts));
  const [first, ...others] = alerts as [(typeof alerts)[0], ...typeof alerts];
  await record.receive([received({ ...first, status: "resolved", endsAt: first.receivedAt }, { target })]);
  await record.close(closing(episode.remediationId, { faults: alerts.map(faultKey) }));
  expect(await explained()).toBe(hashOf(others));
});

it("tells a token of some groups nothing of other groups' targets, their places and what was counted for them", async () => {
  const wish = {
    name: "of-web",
    subject: "ann",
    roles: ["viewer" as const],
    groups: ["web"],
    by: "root",
    ttlMs: 60_000,
  };
  const { secret } = await record.createApiToken(wish);
  const ask = async (host: string): Promise<{ status: number; text: string }> => {
    const response = await fetch(`${api.server.url}/v1/explain`, {
      method: "POST",
      headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
      body: JSON.stringify({ alert: { labels: { ...alert.labels, host } } }),
    });
    return { status: response.status, text: await response.text() };
  };
  expect((await ask("web-1")).status).toBe(200);
  const other = await ask("db-1");
  expect(other.status).toBe(403);
  expect(other.text).toContain("the target is of no group of this token (web)");
});

it("answers what it cannot explain", async () => {
  expect((await explain({ fingerprint: "nobody" })).status).toBe(404);
  expect((await explain({ remediation: "nobody" })).status).toBe(404);
  expect((await explain({ fingerprint: "a", remediation: "b" })).status).toBe(422);
  const unloaded = await api.serve();
  expect((await explain({ alert: { labels: {} } }, unloaded.url)).status).toBe(503);
  await unloaded.close();
  const response = await fetch(`${api.server.url}/v1/explain`, { method: "POST", body: "{}" });
  expect(response.status).toBe(401);
});
