/** Who may ask the API for what: each route, each role, each group, and in whose name. */
import { beforeEach, describe, expect, test } from "vitest";
import { ROLES, type Role } from "../../src/contracts/roles.ts";
import { Secret } from "../../src/ports/secret.ts";
import { accessOf } from "../../src/starters/http/mount.ts";
import { OPERATIONS } from "../../src/starters/http/operations.ts";
import { eventsIn, type StreamEvent } from "../../src/cli/event-stream.ts";
import { idOf } from "../../src/starters/change-feed.ts";
import type { ChangeEvent } from "../../src/starters/http/events.ts";
import { aPlan, hashOfPlan, planned } from "../record/builders.ts";
import { EXPECTED, nameOf } from "./support/access-table.ts";
import { API_TOKEN, problem, sharedApi } from "./support/server.ts";

const it = await sharedApi();
const { record } = it.database;
const sql: typeof it.database.sql = (text, parameters) => it.database.sql(text, parameters);

interface Given {
  roles: Role[];
  groups?: string[];
  subject?: string;
}

let made = 0;
async function tokenOf({ roles, groups, subject = "ann" }: Given): Promise<string> {
  const wish = { name: `t${++made}`, subject, roles, groups: groups ?? null, by: "root", ttlMs: 3_600_000 };
  return (await record.createApiToken(wish)).secret;
}

function call(token: string | null, method: string, path: string, body?: unknown): Promise<Response> {
  return fetch(it.server.url + path, {
    method,
    headers: {
      "content-type": "application/json",
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/** Of the routes that ask for a role, with something in place of each parameter. */
const ROUTES = OPERATIONS.flatMap((operation) => {
  const { tag, role } = operation;
  if (tag === "pages" || role === "source" || role === "signed" || role === "public") return [];
  const access = accessOf({ ...operation, role });
  const path = operation.path.replace(/\{\w+\}/g, "nothing");
  return [{ name: nameOf(operation), access, method: operation.method.toUpperCase(), path }];
});

beforeEach(async () => {
  await sql("delete from api_tokens");
  await sql("delete from pauses");
});

describe("the table", () => {
  test("gives each operation the role that it is known for", () => {
    const found = OPERATIONS.map((operation) => {
      const { role } = operation;
      if (role === "source" || role === "signed" || role === "public") return [nameOf(operation), role];
      const { by, everywhere } = accessOf({ ...operation, role });
      return [nameOf(operation), { role, ...(by && { by }), ...(everywhere && { everywhere }) }];
    });
    expect(Object.fromEntries(found)).toEqual(EXPECTED);
  });

  test("asks every sender for its own proof", () => {
    const senders = OPERATIONS.filter(({ role }) => role === "source");
    expect(OPERATIONS.filter(({ source }) => source !== undefined)).toEqual(senders);
  });

  test.each(ROUTES)("$name answers nobody without a token", async ({ method, path }) => {
    await tokenOf({ roles: ["viewer"] });
    const response = await call(null, method, path, method === "GET" ? undefined : {});
    expect(response.headers.get("www-authenticate")).toBe("Bearer");
    expect((await problem(response)).status).toBe(401);
  });

  test("lets exactly the roles in that it names", async () => {
    const gives: Record<Role, Role[]> = {
      viewer: ["viewer", "operator", "approver", "admin"],
      operator: ["operator", "admin"],
      approver: ["approver"],
      admin: ["admin"],
    };
    for (const role of ROLES) {
      const token = await tokenOf({ roles: [role] });
      for (const { name, access, method, path } of ROUTES) {
        const response = await call(token, method, path, method === "GET" ? undefined : {});
        await response.body?.cancel();
        expect([name, role, response.status === 403], name).toEqual([name, role, !gives[access.role].includes(role)]);
      }
    }
  });
});

describe("who is asked", () => {
  test("nobody, on loopback, until the first token is made; then everybody, also when it is revoked", async () => {
    await it.restart({ apiToken: null });
    const open = (): Promise<Response> => call(null, "GET", "/v1/queue");
    expect((await open()).status).toBe(200);
    await tokenOf({ roles: ["viewer"] });
    expect((await open()).status).toBe(401);
    await record.revokeApiToken(`t${made}`, "root");
    expect((await open()).status).toBe(401);
  });

  test("beyond loopback a token in the record is enough to start, and none is refused with what to do", async () => {
    const wide = { host: "0.0.0.0", apiToken: null };
    await expect(it.serve(wide)).rejects.toThrow(/selfheal token create NAME --role admin --record/);
    await tokenOf({ roles: ["admin"] });
    await (await it.serve(wide)).close();
  });

  test.each([
    ["revoked", async (name: string) => void (await record.revokeApiToken(name, "root"))],
    [
      "expired",
      async (name: string) => void (await sql("update api_tokens set expires_at = created_at where name = $1", [name])),
    ],
  ])("a token that is %s is refused, and the answer says so to programs", async (_what, end) => {
    const token = await tokenOf({ roles: ["viewer"] });
    expect((await call(token, "GET", "/v1/queue")).status).toBe(200);
    await end(`t${made}`);
    const response = await call(token, "GET", "/v1/queue");
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toContain('error="invalid_token"');
    expect(it.logged).not.toContain(token);
  });

  test("the database away is 503, not a refusal", async () => {
    const away = () => Promise.reject(new Error("the database is away"));
    await it.restart({ record: { ...record, apiTokenOf: away } });
    expect((await call(await tokenOf({ roles: ["viewer"] }), "GET", "/v1/queue")).status).toBe(503);
  });

  test("the caller may ask who he is", async () => {
    const token = await tokenOf({ roles: ["operator"], groups: ["web"], subject: "bob" });
    expect(await (await call(token, "GET", "/v1/whoami")).json()).toEqual({
      subject: "bob",
      identity: `token:t${made}`,
      grants: [{ role: "operator", groups: ["web"] }],
    });
  });
});

describe("in whose name", () => {
  const pause = (token: string, by?: string): Promise<Response> =>
    call(token, "POST", "/v1/pauses", { scope: "global", reason: "incident", ...(by === undefined ? {} : { by }) });

  test("the owner of the token did it, whether the body says so or nothing", async () => {
    const token = await tokenOf({ roles: ["operator"] });
    for (const by of ["ann", undefined]) expect(await (await pause(token, by)).json()).toMatchObject({ by: "ann" });
  });

  test("a body in another's name is refused, and nothing is done", async () => {
    const token = await tokenOf({ roles: ["operator"] });
    const body = await problem(await pause(token, "bob"));
    expect(body).toMatchObject({ status: 403, detail: expect.stringContaining("that of ann") as string });
    expect(await record.pauses()).toEqual([]);
  });

  test("the token that all share names nobody: once there are others, it is not believed and approves nothing", async () => {
    expect((await pause(API_TOKEN, "ann")).status).toBe(200);
    await tokenOf({ roles: ["viewer"] });
    expect((await pause(API_TOKEN, "ann")).status).toBe(403);
    expect(await (await pause(API_TOKEN)).json()).toMatchObject({ by: "shared-token" });
    const approve = await call(API_TOKEN, "POST", "/v1/remediations/web-1/approve", { planHash: "x" });
    expect((await problem(approve)).detail).toContain("needs the role approver");
  });

  test("the record says who was proven to be it, and how he came", async () => {
    const token = await tokenOf({ roles: ["operator"] });
    const name = `token:t${made}`;
    await fetch(`${it.server.url}/v1/pauses`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}`, "x-selfheal-via": "cli" },
      body: JSON.stringify({ scope: "global", reason: "by cli" }),
    });
    const entry = (await record.audit("control")).find(({ body }) => body["reason"] === "by cli");
    expect(entry?.body).toMatchObject({ by: "ann", actor: { via: "cli", identity: name } });
    const id = await planned(record, aPlan({ target: "web-5" }));
    expect((await call(token, "POST", `/v1/remediations/${id}/cancel`, {})).status).toBe(200);
    const asked = (await record.audit(id)).find(({ kind }) => kind === "asked");
    expect(asked?.body).toMatchObject({ what: "cancel", by: "ann", actor: { via: "api", identity: name } });
  });

  test("a one-time token needs the role of what it is for", async () => {
    const id = await planned(record, aPlan({ target: "web-6" }));
    const ask = async (role: Role, decision: string): Promise<number> =>
      (await call(await tokenOf({ roles: [role] }), "POST", `/v1/remediations/${id}/token`, { decision })).status;
    expect([await ask("viewer", "take"), await ask("operator", "take"), await ask("approver", "take")]).toEqual([
      403, 200, 403,
    ]);
    expect([await ask("operator", "approve"), await ask("approver", "approve")]).toEqual([403, 200]);
  });
});

describe("a token of one group", () => {
  let ids: Record<string, string> = {};
  beforeEach(async () => {
    ids = {
      web: await planned(record, aPlan({ target: "web-1", group: "web" })),
      db: await planned(record, aPlan({ target: "db-1", group: "db" })),
    };
    const said = { reason: "r", by: "root", until: null };
    for (const scope of ["global", "group:web", "group:db", "runbook:disk@db"]) await record.pause({ scope, ...said });
  });

  const get = async (token: string, path: string): Promise<Record<string, never[]>> =>
    (await (await call(token, "GET", path)).json()) as Record<string, never[]>;

  test("sees remediations of its groups only; others are not there", async () => {
    const token = await tokenOf({ roles: ["viewer"], groups: ["web"] });
    const listed = (await get(token, "/v1/remediations"))["remediations"] as unknown as { group: string }[];
    expect(listed.map(({ group }) => group)).toEqual(["web"]);
    expect((await call(token, "GET", `/v1/remediations/${ids["web"]}`)).status).toBe(200);
    for (const name of [ids["db"], "host/db-1"]) {
      expect((await problem(await call(token, "GET", `/v1/remediations/${name}`))).status).toBe(404);
    }
  });

  test("sees what stands above its group, and changes only what is its own", async () => {
    const token = await tokenOf({ roles: ["operator"], groups: ["web"] });
    const pauses = (await get(token, "/v1/pauses"))["pauses"] as unknown as { scope: string }[];
    expect(pauses.map(({ scope }) => scope).sort()).toEqual(["global", "group:web"]);
    const resume = async (what: string): Promise<number> =>
      (await call(token, "POST", "/v1/pauses/resume", { what })).status;
    expect([await resume("global"), await resume("group:db"), await resume("group:web")]).toEqual([403, 404, 200]);
    const pause = async (scope: string): Promise<number> =>
      (await call(token, "POST", "/v1/pauses", { scope, reason: "r" })).status;
    expect(await Promise.all(["global", "group:db", "rack:r1", "group:web", "runbook:disk@web"].map(pause))).toEqual([
      ...[403, 403, 403],
      ...[200, 200],
    ]);
    const windows = { scope: "service:shop", reason: "r", forMs: 60_000 };
    expect((await call(token, "POST", "/v1/windows", windows)).status).toBe(403);
  });

  test("decides about remediations of its groups only", async () => {
    const token = await tokenOf({ roles: ["operator"], groups: ["web"] });
    const cancel = async (id: string | undefined): Promise<number> =>
      (await call(token, "POST", `/v1/remediations/${id}/cancel`, {})).status;
    expect([await cancel(ids["db"]), await cancel(ids["web"])]).toEqual([404, 200]);
    expect(it.temporal.decisions.map((one) => one.workflowId)).toEqual(["heal:host:web-1"]);
  });

  test("sees the leases, verdicts and alerts of its groups only", async () => {
    const token = await tokenOf({ roles: ["viewer"], groups: ["web"] });
    await sql(
      `insert into leases (remediation_id, scope, state, since)
       select remediation_id, 'target:host:' || target_id, 'held', now() from remediations`,
    );
    const leases = (await get(token, "/v1/leases"))["leases"] as unknown as { remediationId: string }[];
    expect(leases.map(({ remediationId }) => remediationId)).toEqual([ids["web"]]);
    expect((await call(token, "GET", `/v1/remediations/${ids["web"]}/verdicts`)).status).toBe(200);
    for (const what of ["verdicts", "story"]) {
      expect((await call(token, "GET", `/v1/remediations/${ids["db"]}/${what}`)).status).toBe(404);
    }
  });

  test("gets whole pages of alerts, though those of other groups lie between", async () => {
    await it.restart({
      classify: (alert) => {
        const id = alert.labels["host"] ?? "";
        return { kind: "unmatched", target: { kind: "host", id, group: id.replace(/-.*/, "") }, detail: "" };
      },
    });
    const hosts = ["db-1", "web-1", "db-2", "db-3", "web-2", "db-4", "web-3"];
    const alerts = hosts.map((host) => ({ labels: { alertname: "SmartDiskFailing", host }, fingerprint: host }));
    await it.post("/v1/alerts", { alerts: alerts.map((one) => ({ ...one, startsAt: "2026-11-21T10:00:00Z" })) });
    const token = await tokenOf({ roles: ["viewer"], groups: ["web"] });
    const seen: string[] = [];
    for (let path: string | null = "/v1/alerts?limit=2"; path !== null;) {
      const page = (await get(token, path)) as unknown as { alerts: { target: { id: string } }[]; next: string | null };
      seen.push(...page.alerts.map(({ target }) => target.id));
      path = page.next;
    }
    expect(seen.sort()).toEqual(["web-1", "web-2", "web-3"]);
  });

  test("hears of changes of its groups only, and of no other after a break", async () => {
    const token = await tokenOf({ roles: ["viewer"], groups: ["web"] });
    const listen = async (headers: Record<string, string>) => {
      const authorization = `Bearer ${token}`;
      const response = await fetch(`${it.server.url}/v1/events`, { headers: { authorization, ...headers } });
      return eventsIn(response);
    };
    const heard = await listen({});
    await record.progress(ids["db"] ?? "", "confirm", "asking", null);
    await record.progress(ids["web"] ?? "", "confirm", "asking", null);
    const { value } = await heard.next();
    expect(JSON.parse((value as StreamEvent).data)).toMatchObject({ remediationId: ids["web"], kind: "progress" });
    const behind = idOf({ at: new Date(Date.now() - 60_000).toISOString(), remediationId: "", seq: 0 });
    const missed = await listen({ "last-event-id": behind });
    const groups: string[] = [];
    for await (const { event, data } of missed) {
      if (event !== "change") continue;
      const change = JSON.parse(data) as ChangeEvent;
      groups.push(change.remediation.group);
      if (change.kind === "progress") break;
    }
    expect(new Set(groups)).toEqual(new Set(["web"]));
  });

  test("decides on the page in the name of its owner alone, about what is its own", async () => {
    await sql("update remediations set phase = 'approve'");
    const token = await tokenOf({ roles: ["approver"], groups: ["web"] });
    const authorization = `Basic ${Buffer.from(`mallory:${token}`).toString("base64")}`;
    const page = (id: string | undefined) =>
      fetch(`${it.server.url}/remediations/${id}`, { headers: { authorization } });
    expect(await (await page(ids["web"])).text()).toContain('name="by" value="ann"');
    expect((await page(ids["db"])).status).toBe(404);
    const planHash = hashOfPlan(aPlan({ target: "web-1", group: "web" }));
    const confirm = (by: string, id = ids["web"]) =>
      fetch(`${it.server.url}/remediations/${id}/confirm`, {
        method: "POST",
        headers: { authorization, "sec-fetch-site": "same-origin" },
        body: new URLSearchParams({ decision: "approve", planHash, by }),
      });
    expect([(await confirm("bob")).status, (await confirm("ann", ids["db"])).status]).toEqual([403, 404]);
    expect((await confirm("ann")).status).toBe(200);
    expect(await sql("select person, via from decision_tokens")).toEqual([{ person: "ann", via: "page" }]);
    const operator = Buffer.from(`ann:${await tokenOf({ roles: ["operator"] })}`).toString("base64");
    const headers = { authorization: `Basic ${operator}`, "sec-fetch-site": "same-origin" };
    const refused = await fetch(`${it.server.url}/remediations/${ids["web"]}/confirm`, { method: "POST", headers });
    expect(refused.status).toBe(403);
  });

  test("asks for remediations of its groups only", async () => {
    const viewerOfAll = await tokenOf({ roles: ["operator"], groups: ["db"] });
    const wish = { labels: { alertname: "SmartDiskFailing", host: "web-3" }, reason: "r" };
    await it.restart({ active: () => Promise.resolve({ people: [{ name: "ann", roles: [] }] } as never) });
    expect((await call(viewerOfAll, "POST", "/v1/remediations", wish)).status).toBe(403);
    expect(it.temporal.starts).toEqual([]);
    const token = await tokenOf({ roles: ["operator"], groups: ["web"] });
    expect((await call(token, "POST", "/v1/remediations", wish)).status).toBe(200);
  });

  test("is refused where a route is about all groups at once, be it an admin's", async () => {
    const token = await tokenOf({ roles: ["admin"], groups: ["web"] });
    for (const { access, method, path } of ROUTES.filter((one) => one.access.everywhere)) {
      expect(access.everywhere).toBe(true);
      const response = await call(token, method, path, method === "GET" ? undefined : {});
      expect((await problem(response)).detail).toContain("about all groups");
    }
  });
});

test("an Idempotency-Key is the caller's own: another token of his group gets nothing of its answer", async () => {
  const pause = async (token: string): Promise<Response> =>
    fetch(`${it.server.url}/v1/pauses`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}`, "idempotency-key": "k-1" },
      body: JSON.stringify({ scope: "global", reason: "incident" }),
    });
  const [ann, bob] = [await tokenOf({ roles: ["operator"] }), await tokenOf({ roles: ["operator"], subject: "bob" })];
  expect(await (await pause(ann)).json()).toMatchObject({ by: "ann" });
  expect(await (await pause(bob)).json()).toMatchObject({ by: "bob" });
  expect((await pause(ann)).headers.get("idempotency-replayed")).toBe("true");
});

describe("/v1/tokens", () => {
  const create = (token: string, more: object = {}): Promise<Response> =>
    call(token, "POST", "/v1/tokens", { name: "ci", roles: ["operator"], groups: ["web"], forMs: 60_000, ...more });

  test("an admin makes, lists and revokes them; the secret is shown once and works", async () => {
    const admin = await tokenOf({ roles: ["admin"], subject: "root" });
    const made = (await (await create(admin)).json()) as { secret: string };
    expect(made).toMatchObject({ name: "ci", subject: "ci", roles: ["operator"], groups: ["web"], createdBy: "root" });
    expect((await call(made.secret, "GET", "/v1/whoami")).status).toBe(200);
    const listed = await (await call(admin, "GET", "/v1/tokens")).text();
    expect(listed).toContain('"name":"ci"');
    expect(listed + it.logged).not.toContain(made.secret);
    expect((await create(admin)).status).toBe(409);
    expect((await call(admin, "POST", "/v1/tokens/revoke", { which: "ci" })).status).toBe(200);
    expect((await call(made.secret, "GET", "/v1/whoami")).status).toBe(401);
    expect((await call(admin, "POST", "/v1/tokens/revoke", { which: "ci" })).status).toBe(404);
  });

  test.each([
    ["roles[0]", { roles: ["root"] }],
    ["roles", { roles: [] }],
    ["groups", { groups: [] }],
    ["forMs", { forMs: 400 * 24 * 3_600_000 }],
    ["name", { name: "a b" }],
  ])("a wrong %s is named", async (field, more) => {
    const admin = await tokenOf({ roles: ["admin"] });
    expect(await problem(await create(admin, more))).toMatchObject({ status: 422, field });
  });
});

test("the shared token is compared, not printed", async () => {
  await it.restart({ apiToken: new Secret("another") });
  expect((await call(API_TOKEN, "GET", "/v1/queue")).status).toBe(401);
  expect(it.logged).not.toContain(API_TOKEN);
});
