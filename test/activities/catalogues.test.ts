import { expect, it } from "vitest";
import { catalogues } from "../../src/activities/catalogues.ts";
import type { Json } from "../../src/contracts/json.ts";
import { FAKE_ACTIONS } from "../support/actions.ts";
import { catalogueOf } from "../catalogue/support.ts";

const { content, version } = catalogueOf();

function counting(answer: () => Promise<Json | null>) {
  const asked: string[] = [];
  const record = {
    activeVersion: () => Promise.resolve(version),
    catalogue: (wanted: string) => (asked.push(wanted), answer()),
  };
  return { asked, all: catalogues(record, FAKE_ACTIONS) };
}

it("a version is read and parsed once, however many ask for it at the same time and afterwards", async () => {
  const { asked, all } = counting(() => Promise.resolve(content));
  const [first, ...others] = await Promise.all([all.active(), all.version(version), all.active()]);
  expect(others.every((other) => other === first)).toBe(true);
  expect(await all.active()).toBe(first);
  expect(asked).toEqual([version]);
});

it("a reading that failed is tried again by whoever asks next", async () => {
  let isAway = true;
  const { asked, all } = counting(() => (isAway ? Promise.reject(new Error("away")) : Promise.resolve(content)));
  await expect(all.active()).rejects.toThrow("away");
  isAway = false;
  expect((await all.active()).version).toBe(version);
  expect(asked).toHaveLength(2);
});
