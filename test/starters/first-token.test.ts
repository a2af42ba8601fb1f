/** The step from an API that asks nobody who he is to one that asks everybody. */
import { expect, test } from "vitest";
import { problem, sharedApi } from "./support/server.ts";

const it = await sharedApi();

const make = (wish: object, secret?: string): Promise<Response> =>
  fetch(`${it.server.url}/v1/tokens`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(secret && { authorization: `Bearer ${secret}` }) },
    body: JSON.stringify({ name: "ann", forMs: 60_000, by: "ann", ...wish }),
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
