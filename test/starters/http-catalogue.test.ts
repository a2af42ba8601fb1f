import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Secret } from "../../src/ports/secret.ts";
import type { FolderStatus } from "../../src/starters/live-folder.ts";
import { ApiUnderTest, problem, WEBHOOK_TOKEN } from "./support/server.ts";

const STATUS: FolderStatus = {
  folder: "/etc/selfheal",
  version: "v1",
  since: "2026-11-21T10:00:00.000Z",
  state: "broken",
  problems: [],
  because: "no RT_TOKEN",
  teams: [{ team: "storage", runbooks: ["raid"], state: "lastGood" }],
};

let api: ApiUnderTest;
beforeAll(async () => {
  api = await ApiUnderTest.create();
});
afterAll(async () => {
  await api.close();
  await api.database.drop();
});
beforeEach(() => api.fresh());

describe("/v1/catalogue", () => {
  it("says what this process decides with, what is active in the record, and how the folder is", async () => {
    await api.restart({ folder: () => STATUS });
    expect(await (await api.api("/v1/catalogue")).json()).toEqual({ version: "abc123", active: null, folder: STATUS });
  });

  it("asks for the token, and answers without a folder too", async () => {
    await problem(await fetch(`${api.server.url}/v1/catalogue`));
    expect(await (await api.api("/v1/catalogue")).json()).toMatchObject({ folder: null });
  });
});

it("a source's token that changes while the server runs counts at the next request", async () => {
  let token = WEBHOOK_TOKEN;
  await api.restart({ sourceSecrets: () => ({ alertmanager: { token: new Secret(token) } }) });
  const body = { version: "4", alerts: [] };
  expect((await api.alerts(body)).status).toBe(200);
  token = "another";
  expect((await api.alerts(body)).status).toBe(401);
  expect((await api.alerts(body, { authorization: "Bearer another" })).status).toBe(200);
});
