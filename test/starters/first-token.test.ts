/** The step from an API that asks nobody who he is to one that asks everybody. */
import { get } from "node:http";
import { expect, test } from "vitest";
import { problem, sharedApi } from "./support/server.ts";

const it = await sharedApi();

const make = (wish: object, secret?: string): Promise<Response> =>
  fetch(`${it.server.url}/v1/tokens`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(secret && { authorization: `Bearer ${secret}` }) },
    body: JSON.stringify({ name: "ann", forMs: 60_000, by: "ann", ...wish }),
  });

test("while nobody is asked, a site whose name was pointed at this machine is refused", async () => {
  await it.restart({ apiToken: null });
  const from = (host: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const { port } = it.server;
      const path = "/v1/queue";
      get({ host: "127.0.0.1", port, path, headers: { host } }, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      }).on("error", reject);
    });
  const { port } = it.server;
  const own = [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`, "LOCALHOST"];
  expect(await Promise.all(own.map(from))).toEqual(own.map(() => 200));
  expect(await Promise.all([`evil.example:${port}`, "127.0.0.1.evil.example"].map(from))).toEqual([403, 403]);
  const page = await fetch(`${it.server.url}/remediations/nothing`);
  expect(page.status).toBe(404);
});

test("the first token must be able to make the next one: any other would shut everybody out", async () => {
  await it.restart({ apiToken: null });
  for (const wish of [{ roles: ["operator", "approver"] }, { roles: ["admin"], groups: ["web"] }]) {
    const refused = await problem(await make(wish));
    expect(refused).toMatchObject({ status: 409, detail: expect.stringContaining("the role admin") });
  }
  expect((await fetch(`${it.server.url}/v1/remediations`)).status).toBe(200);
  const { secret } = (await (await make({ roles: ["admin"] })).json()) as { secret: string };
  expect((await fetch(`${it.server.url}/v1/remediations`)).status).toBe(401);
  expect((await make({ name: "bob", roles: ["operator"], by: undefined }, secret)).status).toBe(200);
});
