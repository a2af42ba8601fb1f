import { mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { leaseFile } from "../../src/adapters/lease-file/leases.ts";
import { failureOf } from "./support.ts";

const NOW = Date.parse("2026-11-21T12:00:00.000Z");
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "selfheal-leases-"));
});
afterEach(() => rm(folder, { recursive: true }));

const outside = { clock: { now: () => NOW } };
const port = (path = folder, maxAgeSeconds?: number) => leaseFile({ path, maxAgeSeconds, outside });
const held = (path?: string, maxAgeSeconds?: number) => port(path, maxAgeSeconds).held();

async function written(name: string, text: string, ageSeconds = 0): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  const at = new Date(NOW - ageSeconds * 1000);
  await utimes(path, at, at);
  return path;
}

const AWX = '{"target":"host/web-1","holder":"awx","reason":"job 815","until":"2026-11-21T14:00:00+01:00"}';

describe("a lease file", () => {
  it("has one lease a line; comments and empty lines are none; what it does not know is left alone", async () => {
    const text = `# written by awx\n\n${AWX}\r\n{"target":"disk/a/b","holder":"capi","pid":7}\n`;
    expect(await held(await written("leases.jsonl", text))).toEqual([
      { target: { kind: "host", id: "web-1" }, holder: "awx", reason: "job 815", until: "2026-11-21T13:00:00.000Z" },
      { target: { kind: "disk", id: "a/b" }, holder: "capi", reason: "", until: null },
    ]);
  });

  it("may be a folder, in which each system writes its own; nothing there is nobody", async () => {
    expect(await held()).toEqual([]);
    await written("awx.jsonl", AWX);
    await written("capi.jsonl", '{"target":"host/web-2","holder":"capi"}');
    await written(".new.jsonl", "half a li");
    await written("readme.txt", "not a lease");
    expect((await held()).map(({ holder, target }) => `${holder} ${target.id}`)).toEqual(["awx web-1", "capi web-2"]);
  });

  it.each([
    ["no JSON", `${AWX}\n{"target":`, "leases.jsonl:2 is not JSON"],
    ["no object", "7", "leases.jsonl:1 is no lease, expected"],
    ["no target", '{"target":"web-1","holder":"awx"}', 'expected a "target" such as "host/web-1"'],
    ["no holder", '{"target":"host/web-1","holder":" "}', 'expected a "holder": which system'],
    ["no time", '{"target":"host/web-1","holder":"awx","until":"tomorrow"}', 'expected "until" as 2026-'],
  ])("with one line that is %s is not read at all: it may be the one that counts", async (_what, text, message) => {
    const failure = await failureOf(held(await written("leases.jsonl", text)));
    expect(failure.message).toContain(message);
    expect(failure.failure, "it may be half written").toBe("transient");
  });

  it("that is not there, too large, or of too many files is not read", async () => {
    expect((await failureOf(held(join(folder, "none")))).message).toContain("none cannot be read: ENOENT");
    const large = await written("large.jsonl", `${AWX}\n`.repeat(12_000));
    expect(await failureOf(held(large))).toMatchObject({
      failure: "permanent",
      message: expect.stringContaining("bytes, at most 1048576"),
    });
    await Promise.all(Array.from({ length: 201 }, (_, n) => written(`${n}.jsonl`, "")));
    expect((await failureOf(held())).message).toContain("files *.jsonl, at most 200 are read");
  });

  it("that its writer did not write for too long is not believed, where people said how long", async () => {
    const path = await written("leases.jsonl", AWX, 601);
    expect(await held(path)).toHaveLength(1);
    expect(await held(path, 601)).toHaveLength(1);
    expect((await failureOf(held(path, 600))).message).toContain("was written 601 s ago, at most 600 s count");
  });
});
