import pino from "pino";
import { Registry } from "prom-client";
import { beforeEach, describe, expect, it } from "vitest";
import type { Catalogue } from "../../src/catalogue/catalogue.ts";
import type { Report } from "../../src/measures/report.ts";
import { followRecord } from "../../src/starters/record-metrics.ts";
import { CONFIG, INVENTORY, loadFrom, RUNBOOK } from "../catalogue/support.ts";
import { admitted, anIntent, aPlan, closing, planned } from "../record/builders.ts";
import { sharedApi } from "./support/server.ts";

const api = await sharedApi();
const { record } = api.database;
let catalogue: Catalogue;
beforeEach(async () => {
  const config = `${CONFIG}\nreports: { timezone: Europe/Berlin }\n`;
  const loaded = loadFrom({ runbooks: [RUNBOOK], config, inventory: INVENTORY });
  if (loaded.catalogue === null) throw new Error(JSON.stringify(loaded.problems));
  ({ catalogue } = loaded);
  await api.restart({ active: async () => catalogue });
});

async function call(path: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await api.api(`/v1${path}`);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

async function acted(target: string): Promise<string> {
  const remediationId = await admitted(record, aPlan({ target }));
  const intent = anIntent(remediationId);
  await record.beginEffect(intent);
  await record.settleEffect(intent.key, "happened", {}, "drained", { actedAt: await record.now() });
  await record.close(closing(remediationId));
  return remediationId;
}

describe("/v1/report", () => {
  it("is of the last period that is over in the configured time zone, or of the one that is named", async () => {
    await api.database.setClock("2026-10-31T23:30:00.000Z");
    const { body } = await call("/report?kind=month");
    expect(body).toMatchObject({ period: { name: "2026-10", to: "2026-10-31T23:00:00.000Z" }, complete: true });
    const day = (await call("/report?kind=day&name=2026-11-01")).body as unknown as Report;
    expect(day).toMatchObject({ complete: false, remediations: 0 });
    await acted("web-1");
    await api.database.setClock("2026-11-01T00:30:00.000Z");
    expect((await call("/report?kind=day&name=2026-11-01")).body).toMatchObject({ remediations: 1 });
    expect((await call("/report?kind=day&name=2026-11-01&group=db")).body).toMatchObject({ remediations: 0 });
    await api.database.setClock(null);
  });

  it.each([
    ["kind=year", 'kind is "year"', "one of day, week, month"],
    ["kind=week&name=2026-54", "name", "an ISO week such as 2026-W43"],
    ["kind=day&name=2999-01-01", "name is 2999-01-01", "a day that has begun"],
    ["kind=day&group=wbe", 'group is "wbe"', "web, db"],
    ["what=ever", "what", "only kind, name and group"],
  ])("refuses %s, and says what would be right", async (query, names, right) => {
    const { status, body } = await call(`/report?${query}`);
    expect(status).toBe(422);
    expect(JSON.stringify(body)).toContain(right);
    expect(JSON.stringify(body).replaceAll('\\"', '"')).toContain(names);
  });

  it("is for those with the token", async () => {
    expect((await fetch(`${api.server.url}/v1/report`)).status).toBe(401);
    expect((await fetch(`${api.server.url}/v1/postmortems/web-1`)).status).toBe(401);
  });
});

describe("/v1/postmortems", () => {
  it("is the kept draft, or one that is made now and says that it has no plot", async () => {
    const plan = {
      ...aPlan({ target: "web-2" }),
      probe: { name: "p", uses: "prometheus.query", with: { query: "up" }, states: { unhealthy: "a", healthy: "b" } },
    };
    const remediationId = await planned(record, plan);
    const made = await call("/postmortems/host/web-2");
    expect(made).toMatchObject({ status: 200, body: { remediationId, owner: "sre", keptAt: null } });
    expect(made.body["markdown"]).toContain("no plot: this draft was made on demand, without asking Prometheus");
    await record.savePostmortem({ remediationId, owner: "ann", markdown: "# kept" });
    expect(await call(`/postmortems/${remediationId.slice(0, 8)}`)).toMatchObject({
      body: { markdown: "# kept", owner: "ann" },
    });
    expect(await call("/postmortems/nobody")).toMatchObject({ status: 404 });
  });
});

describe("/metrics of the record", () => {
  it("shows the measures by runbook, group and outcome, how it stands, and nothing where there is nothing", async () => {
    const registry = new Registry();
    let workers = 1;
    const follower = followRecord({
      ...{ record, catalogue: () => catalogue, registry, log: pino({ level: "silent" }) },
      pollers: async () => ({ workflows: workers, activities: 1 }),
    });
    await follower.look();
    expect(await registry.metrics()).not.toMatch(/^selfheal_(queue_oldest|audit_manifest)_timestamp_seconds/m);
    expect(await registry.metrics()).toContain("selfheal_audit_unwritten_seconds 0");
    await acted("web-3");
    workers = 0;
    await follower.look();
    const text = await registry.metrics();
    expect(text).toContain('selfheal_remediations_closed_30d{runbook="disk",group="web",outcome="healed"} 1');
    expect(text).toContain('selfheal_measure_ratio{measure="M3",runbook="",group=""} 1');
    expect(text).toContain('selfheal_measure_samples{measure="M1.critical",runbook="disk",group="web"} 0');
    expect(text).not.toContain('selfheal_measure_seconds{measure="M1.critical"');
    expect(text).toContain('selfheal_workers{takes="workflows"} 0');
    expect(text).toMatch(/^selfheal_audit_lag_seconds\{quantile="0.99"\} \d/m);
    expect(text).toContain('selfheal_measure_samples{measure="M10",runbook="",group=""} 1');
    const open = await planned(record, aPlan({ target: "web-4" }));
    await follower.look();
    expect(await registry.metrics()).toMatch(/selfheal_remediations_open\{phase="\w+"\} 1/);
    await record.close(closing(open));
    await follower.look();
    expect(await registry.metrics()).not.toContain("selfheal_remediations_open{");
    follower.stop();
  });
});
