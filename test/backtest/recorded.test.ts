import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { alertsOf, recordedAlerts, type RecordedOptions } from "../../src/backtest/recorded.ts";
import type { Alert } from "../../src/contracts/alert.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "recorded-"));
});
afterAll(() => rm(folder, { recursive: true }));

const line = (at: string, more: object = {}): string =>
  JSON.stringify({ status: "firing", labels: { alertname: "A", at }, startsAt: at, ...more });

async function read(text: string | Buffer, options: Partial<RecordedOptions> = {}, name = "r.jsonl"): Promise<Alert[]> {
  const file = join(folder, name);
  await writeFile(file, text);
  const all: Alert[] = [];
  for await (const alerts of recordedAlerts({ files: [file], ...options })) all.push(...alerts);
  return all;
}

it("reads alerts and logged webhook bodies, with the time at which they came, or began, or ended", () => {
  expect(alertsOf(line("2026-11-01T00:00:00Z", { receivedAt: "2026-11-01T00:01:00Z" }), "x")).toMatchObject([
    {
      receivedAt: "2026-11-01T00:01:00.000Z",
      source: "recorded",
      fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/) as unknown,
    },
  ]);
  const alert = {
    status: "resolved",
    labels: { alertname: "A" },
    startsAt: "2026-11-01T00:00:00Z",
    endsAt: "2026-11-01T02:00:00Z",
  };
  const body = { version: "4", alerts: [{ ...alert, fingerprint: "f1" }] };
  expect(alertsOf(JSON.stringify(body), "x")).toMatchObject([
    { source: "alertmanager", receivedAt: "2026-11-01T02:00:00.000Z" },
  ]);
  const logged = JSON.stringify({ receivedAt: "2026-11-01T03:00:00Z", body });
  expect(alertsOf(logged, "x")).toMatchObject([
    { receivedAt: "2026-11-01T03:00:00.000Z", endsAt: "2026-11-01T02:00:00.000Z" },
  ]);
});

it.each([
  ["{", 'this is no JSON object (got "{"); right would be an alert'],
  ["[]", 'this is no JSON object (got "[]")'],
  [line("yesterday"), 'startsAt is "yesterday"; right would be an RFC 3339 time'],
  [line("2026-11-01T00:00:00Z", { status: "on" }), 'status is "on"; right would be "firing" or "resolved"'],
  [line("2026-11-01T00:00:00Z", { labels: { a: 1 } }), "labels are no texts"],
  [JSON.stringify({ version: "3", alerts: [] }), "version"],
])("names file and line of what it cannot read: %s", async (text, message) => {
  const two = `${line("2026-11-01T00:00:00Z")}\n${text}\n`;
  await expect(read(two)).rejects.toThrow(/r\.jsonl:2: /);
  await expect(read(two)).rejects.toThrow(message);
});

it("sorts what is a little out of order, keeps to the span, and unpacks", async () => {
  const times = ["2026-11-01T00:02:00Z", "2026-11-01T00:01:00Z", "2026-11-02T00:00:00Z"];
  const text = times.map((at) => line(at)).join("\n");
  const at = (alerts: Alert[]): string[] => alerts.map(({ startsAt }) => startsAt.slice(8, 16));
  expect(at(await read(text))).toEqual(["01T00:01", "01T00:02", "02T00:00"]);
  expect(at(await read(text, { from: "2026-11-01T00:02:00Z", to: "2026-11-02T00:00:00Z" }))).toEqual(["01T00:02"]);
  expect(await read(gzipSync(text), {}, "r.jsonl.gz")).toHaveLength(3);
});

it("gives them in the order of time, those of one moment as they came, whatever the order in the file", async () => {
  const minutes = fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(minutes, async (came) => {
      const all = came.map((minute, place) => ({ minute, place }));
      const iso = (minute: number): string => new Date(Date.UTC(2026, 10, 1, 0, minute)).toISOString();
      const text = all.map(({ minute, place }) => line(iso(minute), { fingerprint: `f${place}` })).join("\n");
      const sorted = all.toSorted((a, b) => a.minute - b.minute).map(({ place }) => `f${place}`);
      expect((await read(text)).map(({ fingerprint }) => fingerprint)).toEqual(sorted);
    }),
  );
});

it("says which file is not there", async () => {
  const none = recordedAlerts({ files: [join(folder, "none.jsonl")] });
  await expect(none.next()).rejects.toThrow(/none\.jsonl cannot be read \(ENOENT\)/);
});
