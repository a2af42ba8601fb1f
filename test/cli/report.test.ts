import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { postmortemCommand } from "../../src/cli/postmortem.ts";
import { reportCommand } from "../../src/cli/report.ts";
import { periodOf } from "../../src/measures/period.ts";
import { reportOf } from "../../src/measures/report.ts";
import { aRow } from "../measures/support.ts";

const period = periodOf("month", "2026-10", "UTC");
if (period === null) throw new Error("no such month");
const unmatched = { faults: 0, alerts: [] };
const REPORT = reportOf(
  {
    ...{ period, now: "2026-11-02T00:00:00.000Z", group: null, rows: [aRow()], before: [], unmatched },
    ...{ unmatchedBefore: unmatched, evidence: [], coverage: null },
  },
  { runbooks: [], savesMinutes: 30, labels: [], targets: [] },
);

let requests: string[];
let printed: string;
let noted: string;
let folder: string;
beforeEach(() => {
  [requests, printed, noted] = [[], "", ""];
  folder = mkdtempSync(join(tmpdir(), "selfheal-report-"));
  vi.spyOn(process.stdout, "write").mockImplementation((text) => ((printed += String(text)), true));
  vi.spyOn(process.stderr, "write").mockImplementation((text) => ((noted += String(text)), true));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

async function run(...words: string[]): Promise<void> {
  const root = new Command("selfheal").option("--json").exitOverride();
  const fakeFetch: typeof fetch = async (url) => {
    const { pathname, search } = new URL(url);
    requests.push(pathname + search);
    const postmortem = { remediationId: "r1", owner: "sre", markdown: "# draft\n", keptAt: null };
    return Response.json(pathname.startsWith("/v1/report") ? REPORT : postmortem);
  };
  const options = { url: "http://api:1", outside: { fetch: fakeFetch } };
  for (const command of [reportCommand(options), postmortemCommand(options)]) {
    root.addCommand(command.exitOverride().configureOutput({ writeErr: () => undefined }));
  }
  await root.parseAsync(words, { from: "user" });
}

describe("report", () => {
  test("asks for the last month unless it is told another time", async () => {
    await run("report");
    await run("report", "--week");
    await run("report", "--day", "2026-10-25", "--group", "web");
    const asked = ["kind=month", "kind=week", "kind=day&name=2026-10-25&group=web"];
    expect(requests).toEqual(asked.map((query) => `/v1/report?${query}`));
    expect(printed).toContain("selfheal, month 2026-10");
    expect(printed).toMatch(/^M1 +mean time to repair +32 min/m);
  });

  test("prints what is asked for, byte for byte, to a file too", async () => {
    await run("report", "--format", "markdown");
    expect(printed).toContain("| M1 | mean time to repair | 32 min |");
    printed = "";
    await run("report", "--json");
    expect(JSON.parse(printed)).toEqual(JSON.parse(JSON.stringify(REPORT)));
    const file = join(folder, "october.csv");
    await run("report", "--format", "csv", "--out", file);
    expect(readFileSync(file, "utf8")).toContain("Outcomes,healed,1\r\n");
    expect(noted).toContain(`written to ${file}`);
  });

  test("refuses two periods, and a file that cannot be written", async () => {
    await expect(run("report", "--day", "--week")).rejects.toThrow("--day and --week: say one of them");
    await expect(run("report", "--out", join(folder, "no", "such"))).rejects.toThrow("--out");
  });
});

describe("postmortem", () => {
  test("prints the draft as it is", async () => {
    await run("postmortem", "host/web-1");
    expect(requests).toEqual(["/v1/postmortems/host%2Fweb-1"]);
    expect(printed).toBe("# draft\n");
  });
});
