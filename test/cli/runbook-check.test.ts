import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runbookCheck } from "../../src/cli/runbook-check.ts";
import { FAKE_ACTIONS } from "../support/actions.ts";
import { CONFIG, edited, INVENTORY, RUNBOOK } from "../catalogue/support.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "runbook-check-"));
  await mkdir(join(folder, "good", "runbooks"), { recursive: true });
  await mkdir(join(folder, "bad"));
  await writeFile(join(folder, "good", "selfheal.yaml"), CONFIG);
  await writeFile(join(folder, "good", "inventory.yaml"), INVENTORY);
  await writeFile(join(folder, "good", "runbooks", "disk.yaml"), RUNBOOK);
  await writeFile(join(folder, "bad", "disk.yaml"), edited("uses: desk.wait", "uses: desk.wiat"));
});
afterAll(() => rm(folder, { recursive: true }));

async function run(path: string, json = false): Promise<{ code: number; text: string }> {
  let text = "";
  const write = (more: string): void => {
    text += more;
  };
  const code = await runbookCheck({ paths: [join(folder, path)], actions: FAKE_ACTIONS, json, write });
  return { code, text };
}

describe("selfheal runbook check", () => {
  it("a right folder ends with 0 and prints each runbook's hash", async () => {
    const { code, text } = await run("good");
    expect(code).toBe(0);
    expect(text).toMatch(/^runbook disk [0-9a-f]{64}\n.*: no mistakes\n$/);
  });

  it("a mistake ends with 2 and is named with file, line and column", async () => {
    const { code, text } = await run("bad");
    expect(code).toBe(2);
    expect(text).toContain(
      `${join(folder, "bad", "disk.yaml")}:23:17 ladder[0].steps[3].uses: there is no such action`,
    );
    expect(text).toContain(": 1 error, 0 warnings");
  });

  it("a single file can be checked by itself", async () => {
    expect((await run("good/runbooks/disk.yaml")).code).toBe(0);
    expect((await run("good/runbooks/nowhere.yaml")).text).toContain("there is no such file");
  });

  it("a folder that is not there ends with 2", async () => {
    expect((await run("nowhere")).code).toBe(2);
  });

  it("gives the same as JSON", async () => {
    const { code, text } = await run("bad", true);
    expect(code).toBe(2);
    expect(JSON.parse(text)).toMatchObject({
      ok: false,
      problems: [{ line: 23, path: "ladder[0].steps[3].uses", value: '"desk.wiat"' }],
    });
  });
});
