import { expect, test } from "vitest";
import { throughRecord, Unavailable } from "../../src/starters/problems.ts";

test("a record that does not answer costs the caller a bounded time, and is worth another try", async () => {
  const never = new Promise<never>(() => undefined);
  const error = await throughRecord("record the alerts", () => never, 20).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(Unavailable);
  expect(error).toMatchObject({
    system: "record",
    message: "cannot record the alerts: the record gave no answer within 0.02 s",
  });
  expect(await throughRecord("read", () => Promise.resolve(7), 20)).toBe(7);
});
