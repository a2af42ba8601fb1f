/** Files as people have them: webhook bodies, answers of two APIs, a log with a body a line. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkIdentity } from "../../src/catalogue/identity-check.ts";
import { ACTIONS } from "../../src/activities/actions.ts";
import { identityText, labelsIn } from "../../src/cli/identity.ts";
import { projectPath } from "../../src/config/project.ts";
import { requireCatalogue } from "../../src/starters/active-catalogue.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "selfheal-identity-"));
});
afterAll(() => rm(folder, { recursive: true }));

const LABELS = { alertname: "SmartDiskFailing", host: "web-1", device: "sda" };
async function read(text: string): Promise<Record<string, string>[]> {
  const file = join(folder, "alerts.json");
  await writeFile(file, text);
  return labelsIn(file);
}

test.each([
  ["a webhook body", JSON.stringify({ version: "4", alerts: [{ status: "firing", labels: LABELS }] })],
  ["Alertmanager's API, laid out", JSON.stringify([{ labels: LABELS, fingerprint: "x" }], null, 2)],
  ["Prometheus' API", JSON.stringify({ status: "success", data: { alerts: [{ labels: LABELS, state: "firing" }] } })],
  ["a body a line", `\n${JSON.stringify({ alerts: [{ labels: LABELS }] })}\n`],
])("reads %s", async (_what, text) => {
  expect(await read(text)).toEqual([LABELS]);
});

test.each([
  ["{}\nnot json\n", "alerts.json:1: it holds no alerts; right would be alerts as Alertmanager posts them"],
  [`${JSON.stringify([{ labels: LABELS }])}\nnot json\n`, "alerts.json:2: it is no JSON"],
  [JSON.stringify([{ labels: LABELS }, 7]), "alerts.json, alert 1: it holds no alerts"],
])("refuses %j with its place", async (text, expected) => {
  await expect(read(text)).rejects.toThrow(expected);
});

test("refuses a file that is not there", async () => {
  await expect(labelsIn(join(folder, "nothing"))).rejects.toThrow(/nothing: ENOENT.*right would be/);
});

test("prints what became of each, those without a target last, and the sums", async () => {
  const catalogue = await requireCatalogue(projectPath("examples", "first-remediation"), ACTIONS);
  const rows = checkIdentity(catalogue, [LABELS, LABELS, { ...LABELS, host: "web-9" }, { alertname: "Other" }]);
  expect(identityText(rows)).toBe(
    `host/web-1  SmartDiskFailing ×2: runbook disk-replacement; host="web-1" is host web-1 (host from host, instance)
-  Other: no runbook of 1 matches the alert Other
NO TARGET  SmartDiskFailing: TARGET_UNKNOWN: host="web-9" is no host of the inventory
4 alerts: 2 with a target, 1 that no runbook matches, 1 WITHOUT a target`,
  );
});
