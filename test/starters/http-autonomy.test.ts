import { beforeEach, describe, expect, it } from "vitest";
import type { Catalogue } from "../../src/catalogue/catalogue.ts";
import { faultKey } from "../../src/contracts/ids.ts";
import { CONFIG, INVENTORY, loadFrom, RUNBOOK } from "../catalogue/support.ts";
import { anAlert, aPlan, closing, planned } from "../record/builders.ts";
import { sharedApi } from "./support/server.ts";

const api = await sharedApi();
const { record } = api.database;
let catalogue: Catalogue;
beforeEach(async () => {
  await api.database.sql("truncate modes, standing_approvals, attestations, api_tokens");
  use({});
  await api.restart({ active: async () => catalogue });
});

const PEOPLE = "  - { name: anna, roles: [dc-ops] }\n  - { name: bob, roles: [] }\n";
function use({ runbook = RUNBOOK, config = CONFIG, inventory = INVENTORY }): void {
  const people = config.replace("  - { name: anna, roles: [dc-ops] }\n", PEOPLE);
  const loaded = loadFrom({ runbooks: [runbook], config: people, inventory });
  if (loaded.catalogue === null) throw new Error(JSON.stringify(loaded.problems));
  ({ catalogue } = loaded);
}

async function call(path: string, body?: object): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await api.api(`/v1${path}`, body);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
const refused = (status: number, why: string) => ({ status, body: { detail: expect.stringContaining(why) as string } });
const said = { by: "anna", reason: "CHG-1" };
const hash = (): string => catalogue.runbooks[0]?.hash ?? "";

describe("/v1/approvals/standing", () => {
  const wish = { runbook: "disk", group: "web", forMs: 3_600_000, maxCount: 5, ...said };
  const give = (more: object = {}) => call("/approvals/standing", { ...wish, ...more });

  it("is given for the active version, says what it covers, is listed and withdrawn", async () => {
    const given = await give();
    expect(given).toMatchObject({
      status: 200,
      body: { runbook: "disk", runbookHash: hash(), group: "web", used: 0, covers: { targets: 1, of: 2 } },
    });
    const id = String(given.body["id"]);
    const list = async () => (await call("/approvals/standing")).body["standing"];
    expect(await list()).toMatchObject([{ id, state: "usable", reason: "CHG-1", uses: [] }]);
    const withdrawn = await call("/approvals/standing/withdraw", { id: id.slice(0, 8), by: "bob" });
    expect(withdrawn).toMatchObject({ status: 200, body: { id, state: "withdrawn" } });
    expect(await list()).toMatchObject([{ state: "withdrawn", withdrawnBy: "bob" }]);
    const again = await call("/approvals/standing/withdraw", { id, by: "eve" });
    expect(again).toMatchObject(refused(409, "bob has withdrawn it already"));
  });

  it.each([
    [
      "somebody without the role",
      { by: "bob" },
      403,
      "bob has the roles none; a standing approval of disk needs dc-ops",
    ],
    ["a stranger", { by: "eve" }, 403, "eve is not among the people"],
    ["no such runbook", { runbook: "dsk" }, 422, 'runbook is "dsk"; right would be one of disk'],
    ["no such group", { group: "wbe" }, 422, "right would be one of web, db"],
    [
      "a group of stateful targets alone",
      { group: "db" },
      409,
      "it would cover no target of db: host.wipe is irreversible",
    ],
    ["more than a year", { forMs: 400 * 86_400_000 }, 422, "at most a year"],
  ])("is refused for %s", async (_, more, status, why) => {
    expect(await give(more)).toMatchObject(refused(status, why));
    expect(await record.standingRows()).toEqual([]);
  });

  it("is refused where one person cannot speak for all", async () => {
    use({ runbook: RUNBOOK.replace("roles: [dc-ops]", "roles: [dc-ops], quorum: 2") });
    expect(await give()).toMatchObject(refused(409, "2 people must approve each plan of disk"));
    use({ runbook: RUNBOOK.replace("owner: storage", "owner: storage, tags: [security]") });
    expect(await give()).toMatchObject(refused(409, "a person approves each of its plans"));
  });
});

describe("/v1/modes", () => {
  const set = (scope: string, mode: string, by = "anna") => call("/modes", { scope, mode, by, reason: "r" });
  const effective = async (group = "web") => {
    const all = (await call("/modes")).body["effective"] as { group: string; mode: string }[];
    return all.find((one) => one.group === group)?.mode;
  };

  it("shows every scope and what counts in the end", async () => {
    use({ runbook: RUNBOOK.replace("approval:", "mode: auto\napproval:") });
    const { body } = await call("/modes");
    expect((body["scopes"] as { scope: string; mode: string }[]).map(({ scope, mode }) => `${scope} ${mode}`)).toEqual([
      "global auto",
      "group:web auto",
      "group:db review",
      "runbook:disk auto",
    ]);
    expect([await effective("web"), await effective("db")]).toEqual(["auto", "review"]);
    expect(await set("global", "observe", "eve")).toMatchObject({ status: 200, body: { mode: "observe" } });
    expect(await effective("web")).toBe("observe");
    expect(await set("global", "file", "anna")).toMatchObject({ status: 200, body: { mode: "auto", set: null } });
    expect(await effective("web")).toBe("auto");
    const audit = (await record.audit("control")).filter(({ kind }) => kind === "modeSet");
    expect(audit.map((row) => row.body)).toMatchObject([
      { by: "eve", mode: "observe", before: null },
      { by: "anna", mode: null, before: "observe" },
    ]);
  });

  it("lets anybody lower a mode, and only who may approve lift it; to auto leads the gate alone", async () => {
    expect(await set("runbook:disk", "review", "bob")).toMatchObject(
      refused(403, "lifting the mode of runbook:disk needs dc-ops"),
    );
    expect(await set("runbook:disk", "review")).toMatchObject({ status: 200, body: { mode: "review" } });
    expect(await set("runbook:disk", "auto")).toMatchObject(refused(409, "selfheal modes promote disk --group GROUP"));
    expect(await set("runbook:disk@web", "auto")).toMatchObject(refused(409, "promote"));
    expect(await set("runbook:disk", "observe", "eve")).toMatchObject({ status: 200 });
    expect(await set("group:web", "observe", "eve")).toMatchObject({ status: 200 });
    expect(await set("group:web", "auto", "eve")).toMatchObject(refused(403, "eve is not among the people"));
    const needs = refused(403, "lifting the mode of group:web needs dc-ops");
    expect(await set("group:web", "auto", "bob"), "one who approves nothing").toMatchObject(needs);
    expect(await set("group:web", "file", "bob"), "as the file says, which is more").toMatchObject(needs);
    expect(await set("rack:r1", "observe")).toMatchObject(refused(422, "global, group:NAME"));
    expect(await set("group:wbe", "observe")).toMatchObject(refused(422, "group:web, group:db"));
  });

  async function judgedCases(count: number): Promise<void> {
    for (let index = 0; index < count; index++) {
      const plan = aPlan({ target: `case-${index}`, runbook: "disk" });
      const faults = [faultKey(anAlert({ fingerprint: `case-${index}` }))];
      const id = await planned(record, plan, { faults });
      await record.close(closing(id, { outcome: "observed", faults }));
      const answer = await call(`/remediations/${id}/review`, { verdict: "good", by: "bob" });
      expect(answer).toMatchObject({ status: 200, body: { remediationId: id, outcome: "observed", verdict: "good" } });
    }
  }

  it("promotes one version in one group when the checklist is met, and refuses with what is missing before", async () => {
    const wish = { runbook: "disk", group: "web", by: "anna" };
    const shut = await call("/modes/promote", wish);
    expect(shut).toMatchObject(refused(409, "disk is not promoted in web; missing: backtest"));
    expect((shut.body["errors"] as { field: string }[]).map((one) => one.field)).toEqual([
      "backtest",
      "rehearsal",
      "agreement",
    ]);
    const ran = { runbook: "disk", kind: "rehearsal", passed: true, summary: "fine", by: "bob" };
    expect(await call("/modes/attestations", { ...ran, runbookHash: "b".repeat(64) })).toMatchObject(
      refused(409, `disk has another version here: bbbbbbbbbbbb was run, ${hash().slice(0, 12)} is active`),
    );
    for (const kind of ["backtest", "rehearsal"]) {
      const attested = await call("/modes/attestations", {
        runbook: "disk",
        kind,
        passed: true,
        summary: "fine",
        by: "bob",
      });
      expect(attested).toMatchObject({ status: 200, body: { runbookHash: hash() } });
    }
    await judgedCases(20);
    const evidence = await call("/modes/evidence?days=1");
    expect(evidence.body["evidence"]).toMatchObject([
      { runbook: "disk", group: "web", cases: 20, agreed: 20, agreement: 1 },
    ]);
    expect(await call("/modes/promote", { ...wish, by: "bob" })).toMatchObject(
      refused(403, "promoting disk needs dc-ops"),
    );
    expect(await effective()).toBe("observe");
    expect(await call("/modes/promote", wish)).toMatchObject({ status: 200, body: { effective: "auto" } });
    expect(await effective()).toBe("auto");
    expect(await effective("db")).toBe("observe");
    use({ runbook: RUNBOOK.replace("within: 24h", "within: 25h") });
    expect(await effective()).toBe("observe");
    const { scopes } = (await call("/modes")).body as { scopes: { scope: string; lapsed: string | null }[] };
    expect(scopes.find((one) => one.scope === "runbook:disk@web")?.lapsed).toBe("the runbook has changed since");
  });

  it("tells an admin of another group nothing of what a runbook has shown, not even in what it refuses", async () => {
    const token = {
      name: "of-db",
      subject: "anna",
      roles: ["admin" as const],
      groups: ["db"],
      by: "root",
      ttlMs: 60_000,
    };
    const { secret } = await record.createApiToken(token);
    const promote = async (group: string) => {
      const wish = { runbook: "disk", group };
      const response = await api.api("/v1/modes/promote", wish, { authorization: `Bearer ${secret}` });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    };
    expect(await promote("web")).toMatchObject(refused(403, "reaches beyond the groups of this token (db)"));
    expect(await promote("db")).toMatchObject(refused(409, "disk is not promoted in db; missing: backtest"));
  });

  it("promotes in spite of what is missing only for a reason, which is written down with it", async () => {
    const wish = { runbook: "disk", group: "db", by: "anna", override: "tried by hand for a year" };
    expect(await call("/modes/promote", wish)).toMatchObject({ status: 200, body: { effective: "review" } });
    const last = (await record.audit("control")).findLast(({ kind }) => kind === "modeSet");
    expect(last?.body).toMatchObject({
      ...{ scope: "runbook:disk@db", mode: "auto", runbookHash: hash(), by: "anna", reason: wish.override },
      overridden: [{ item: "backtest" }, { item: "rehearsal" }, { item: "agreement" }],
    });
  });
});

describe("what people say of remediations", () => {
  it("is a review once it is closed, by somebody who is known", async () => {
    const id = await planned(record, aPlan({ target: "web-1" }));
    const say = (by: string) => call(`/remediations/host%2Fweb-1/review`, { verdict: "masking", by });
    expect(await say("bob")).toMatchObject(refused(409, `remediation ${id} is open`));
    await record.close(closing(id));
    expect(await say("eve")).toMatchObject(refused(403, "eve is not among"));
    expect(await say("bob")).toMatchObject({ status: 200, body: { remediationId: id, verdict: "masking" } });
    const bad = await call(`/remediations/${id}/review`, { verdict: "fine", by: "bob" });
    expect(bad).toMatchObject(refused(422, "one of good, falsePositive, masking"));
  });

  it("asks for a remediation with a name on it, which the record knows", async () => {
    const wish = { labels: { alertname: "DiskFailing", host: "web-1" }, ...said };
    expect(await call("/remediations", wish)).toMatchObject({
      status: 200,
      body: { disposition: "delivered", target: "host/web-1", runbook: "disk-replacement" },
    });
    const [alert] = await record.alerts({});
    expect(alert).toMatchObject({ source: "manual", annotations: { requestedBy: "anna", summary: "CHG-1" } });
    expect(await call("/remediations", { ...wish, by: "eve" })).toMatchObject(refused(403, "eve is not among"));
    expect(await call("/remediations", { ...wish, labels: {} })).toMatchObject(
      refused(422, "labels with an alertname"),
    );
  });

  it.each(["/v1/alerts", "/v1/alerts/alertmanager"])(
    "keeps the name of who asked, whatever is sent to %s: else he could take it off and approve it himself",
    async (path) => {
      const labels = { alertname: "DiskFailing", host: "web-1" };
      expect(await call("/remediations", { labels, ...said })).toMatchObject({ status: 200 });
      const asked = async () => (await record.alerts({})).find(({ source }) => source === "manual");
      const { fingerprint, startsAt } = (await asked())!;
      const whole = { status: "firing", labels, annotations: {}, fingerprint, startsAt };
      for (const one of [whole, { ...whole, labels: "none" }]) {
        const response = await api.post(path, { ...(path.endsWith("r") && { version: "4" }), alerts: [one] });
        expect(await asked()).toMatchObject({ annotations: { requestedBy: "anna" } });
        expect([400, 422]).toContain(response.status);
      }
    },
  );
});
