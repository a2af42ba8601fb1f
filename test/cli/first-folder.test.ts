import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { parse } from "yaml";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ACTIONS } from "../../src/activities/actions.ts";
import { loadCatalogue } from "../../src/catalogue/load.ts";
import { jsonSchema } from "../../src/catalogue/schema.ts";
import { snippetOf } from "../../src/cli/alertmanager.ts";
import { initFolder } from "../../src/cli/init.ts";
import { projectPath } from "../../src/config/project.ts";

const run = promisify(execFile);
const selfheal = (...args: string[]) => run(projectPath("bin", "selfheal"), args);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "selfheal-init-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("selfheal init", () => {
  test("writes a folder without mistakes, whose files name schemas that are there, and that only observes", async () => {
    const first = join(folder, "first");
    await initFolder(first);
    const { catalogue, problems } = await loadCatalogue(first, { actions: ACTIONS });
    expect(problems.filter((problem) => problem.severity === "error")).toEqual([]);
    expect(catalogue?.runbooks.map((runbook) => runbook.name)).toEqual(["disk-replacement"]);
    const runbook = "runbooks/disk-replacement";
    for (const file of ["selfheal.yaml", "inventory.yaml", `${runbook}.yaml`, `${runbook}.test.yaml`]) {
      const [modeline = "", ...rest] = (await readFile(join(first, file), "utf8")).split("\n");
      const schema = /^# yaml-language-server: \$schema=(.+)$/.exec(modeline)?.[1] ?? "";
      expect(JSON.parse(await readFile(join(first, file, "..", schema), "utf8"))).toHaveProperty("properties");
      expect(rest.join("\n")).not.toContain("yaml-language-server");
    }
    expect(parse(await readFile(join(first, "selfheal.yaml"), "utf8"))).toMatchObject({ mode: "observe" });
  });

  test("refuses a folder with anything in it, and leaves it as it was", async () => {
    await writeFile(join(folder, "mine.txt"), "mine");
    await expect(selfheal("init", folder)).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/is not empty \(.*give a new or an empty folder/) as string,
    });
    await expect(readFile(join(folder, "selfheal.yaml"))).rejects.toThrow("ENOENT");
    await expect(selfheal("init", join(folder, "mine.txt"))).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining("cannot be made a folder") as string,
    });
  });
});

describe("selfheal schema", () => {
  test("prints the schema of the kind that was asked for", async () => {
    const { stdout } = await selfheal("schema", "inventory");
    expect(JSON.parse(stdout)).toEqual(jsonSchema("inventory", ACTIONS));
  });
});

describe("selfheal alertmanager snippet", () => {
  test("is YAML with the address, the token's file and the alerts that were asked for", async () => {
    const args = ["--url", "https://heal.example.net/", "--token-file", "/etc/t", "--alerts", "DiskFailing", "a.b"];
    const { stdout } = await selfheal("alertmanager", "snippet", ...args);
    expect(parse(stdout)).toMatchObject({
      route: { routes: [{ receiver: "selfheal", continue: true, matchers: ['alertname =~ "DiskFailing|a\\\\.b"'] }] },
      receivers: [
        {
          webhook_configs: [
            {
              url: "https://heal.example.net/v1/alerts/alertmanager",
              max_alerts: 0,
              http_config: { authorization: { credentials_file: "/etc/t" } },
            },
          ],
        },
      ],
    });
  });

  test.each([
    [{ url: "selfheal:8080", alerts: [] }, /--url selfheal:8080: right would be/],
    [{ url: "http://a", alerts: ['x"} evil'] }, /--alerts x"} evil: right would be/],
  ])("%j is refused", (options, fault) => {
    expect(() => snippetOf(options)).toThrow(fault);
  });
});
