import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { buildBundle, prebuiltBundle } from "../../src/workers/bundle.ts";

let folder: string;
const path = (): string => join(folder, "bundle.js");
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "selfheal-bundle-"));
  await buildBundle(path());
});
afterAll(() => rmSync(folder, { recursive: true }));

test("the same source gives the same code, wherever it is built to and from", async () => {
  const first = await prebuiltBundle(path());
  const cwd = vi.spyOn(process, "cwd").mockReturnValue(folder);
  const second = await buildBundle(join(folder, "elsewhere", "bundle.js"));
  cwd.mockRestore();
  expect(second.manifest.codeHash).toBe(first.manifest.codeHash);
});

test("a bundle that was changed after it was built is refused", async () => {
  const changed = join(folder, "changed.js");
  writeFileSync(changed, `${readFileSync(path(), "utf8")}\n`);
  writeFileSync(`${changed}.json`, readFileSync(`${path()}.json`));
  await expect(prebuiltBundle(changed)).rejects.toThrow("not the bundle its manifest describes");
});

test("a bundle of another Temporal SDK is refused", async () => {
  const other = join(folder, "other.js");
  writeFileSync(other, readFileSync(path()));
  const manifest = JSON.parse(readFileSync(`${path()}.json`, "utf8")) as object;
  writeFileSync(`${other}.json`, JSON.stringify({ ...manifest, sdkVersion: "1.0.0" }));
  await expect(prebuiltBundle(other)).rejects.toThrow(/built with Temporal SDK 1\.0\.0/);
});
