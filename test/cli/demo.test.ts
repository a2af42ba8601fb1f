import { expect, it } from "vitest";
import { faultOf } from "../../src/cli/demo.ts";
import { fetchAsAda } from "../../src/cli/demo/own-token.ts";

const api = (wants: () => string | null) => (_: unknown, init?: RequestInit) => {
  const given = new Headers(init?.headers).get("authorization");
  const wanted = wants();
  return Promise.resolve(new Response(null, { status: wanted === null || given === `Bearer ${wanted}` ? 200 : 401 }));
};

it("goes on watching the demo when somebody makes a token, with one of its own that is made then", async () => {
  let wanted: string | null = null;
  let made = 0;
  const ask = fetchAsAda(
    () => Promise.resolve(`demo-${++made}`),
    api(() => wanted),
  );
  expect((await ask("http://api")).status).toBe(200);
  expect(made).toBe(0);
  wanted = "demo-1";
  const both = await Promise.all([ask("http://api"), ask("http://api")]);
  expect(both.map(({ status }) => status)).toEqual([200, 200]);
  expect(made).toBe(1);
  wanted = "another";
  expect((await ask("http://api")).status).toBe(401);
  expect(made).toBe(1);
});

it("makes the demo's token at the next call when the database is away", async () => {
  const tries = [() => Promise.reject(new Error("away")), () => Promise.resolve("one")];
  const ask = fetchAsAda(
    () => tries.shift()?.() ?? Promise.reject(new Error("a third one")),
    api(() => "one"),
  );
  await expect(ask("http://api")).rejects.toThrow("away");
  expect((await ask("http://api")).status).toBe(200);
});

it("says of a demo that was stopped that it was, not that a host ended wrong", () => {
  const endings = [
    {
      host: "web-1",
      outcome: "nothing" as const,
      expected: "healed" as const,
      asExpected: false,
      remediationId: null,
      webUi: null,
    },
  ];
  const result = { seconds: 1, timeScale: 1, endings };
  expect(faultOf({ ...result, stopped: true })).toMatchObject({ message: "stopped before the end", exitCode: 130 });
  expect(faultOf({ ...result, stopped: false })).toMatchObject({ exitCode: 1 });
  expect(faultOf({ ...result, stopped: false, endings: [] })).toBeNull();
});
