import { defaultDataConverter } from "@temporalio/common";
import { decodeFromPayloadsAtIndex } from "@temporalio/common/lib/internal-non-workflow/index.js";
import { expect, test } from "vitest";
import { closingHeads } from "../../src/watchers/history-heads.ts";
import { load, names } from "../replay/corpus.ts";

const loaded = { ...defaultDataConverter, payloadCodecs: [] } as unknown as Parameters<
  typeof decodeFromPayloadsAtIndex
>[0];
const decode: Parameters<typeof closingHeads>[1] = (payloads) =>
  decodeFromPayloadsAtIndex<unknown>(loaded, 0, payloads?.payloads ?? null);

test("every committed history tells the head of the audit chain of what it closed", async () => {
  for (const name of await names()) {
    const heads = await closingHeads((await load(name)).events ?? [], decode);
    expect(heads.length, name).toBeGreaterThan(0);
    for (const { remediationId, hash } of heads) {
      expect(hash, name).toMatch(/^[0-9a-f]{64}$/);
      expect(remediationId, name).toMatch(/^[0-9a-f-]{8,}$/);
    }
  }
});

test("an activity that failed, or answered before it closed anything, tells none", async () => {
  const events = ((await load("healed")).events ?? []).filter((event) => !event.activityTaskCompletedEventAttributes);
  expect(await closingHeads(events, decode)).toEqual([]);
});
