import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { postmortemCommand } from "../../src/cli/postmortem.ts";
import { reportCommand } from "../../src/cli/report.ts";
import { periodOf } from "../../src/measures/period.ts";
import { reportOf, toReported } from "../../src/measures/report.ts";
import { aRow } from "../measures/support.ts";
import { fakeApi } from "./support/fake-api.ts";

const period = periodOf("month", "2026-10", "UTC");
if (period === null) throw new Error("no such month");
const unmatched = { faults: 0, alerts: [] };
const REPORT = await reportOf(
  {
    ...{ period, now: "2026-11-02T00:00:00.000Z", group: null, rows: [toReported(aRow())], before: [], unmatched },
    ...{ unmatchedBefore: unmatched, evidence: [], coverage: null },
  },
  { runbooks: [], savesMinutes: 30, labels: [], targets: [] },
);

const api = fakeApi((options) => [reportCommand(options), postmortemCommand(options)]);
let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "selfheal-report-"))));
afterEach(() => rmSync(folder, { recursive: true }));

describe("report", () => {
  beforeEach(() => void (api.answer = REPORT));

  test("asks for the last month unless it is told another time", async () => {
    await api.run("report");
    await api.run("report", "--week");
    await api.run("report", "--day", "2026-10-25", "--group", "web");
    const asked = ["kind=month", "kind=week", "kind=day&name=2026-10-25&group=web"];
    expect(api.requests.map(({ path }) => path)).toEqual(asked.map((query) => `/v1/report?${query}`));
    expect(api.printed).toContain("selfheal, month 2026-10");
    expect(api.printed).toMatch(/^M1 +mean time to repair +32 min/m);
  });

  test("prints what is asked for, byte for byte, to a file too", async () => {
    await api.run("report", "--format", "markdown");
    expect(api.printed).toContain("| M1 | mean time to repair | 32 min |");
    api.printed = "";
    await api.run("report", "--json");
    expect(JSON.parse(api.printed)).toEqual(JSON.parse(JSON.stringify(REPORT)));
    const file = join(folder, "october.csv");
    await api.run("report", "--format", "csv", "--out", file);
    expect(readFileSync(file, "utf8")).toContain("Outcomes,healed,1\r\n");
    expect(api.noted).toContain(`written to ${file}`);
  });

  test("refuses two periods, and a file that cannot be written", async () => {
    await expect(api.run("report", "--day", "--week")).rejects.toThrow("--day and --week: say one of them");
    await expect(api.run("report", "--out", join(folder, "no", "such"))).rejects.toThrow("--out");
  });
});

describe("postmortem", () => {
  test("prints the draft as it is", async () => {
    api.answer = { remediationId: "r1", owner: "sre", markdown: "# draft\n", keptAt: null };
    await api.run("postmortem", "host/web-1");
    expect(api.requests).toEqual([{ method: "GET", path: "/v1/postmortems/host%2Fweb-1", body: null }]);
    expect(api.printed).toBe("# draft\n");
  });
});
