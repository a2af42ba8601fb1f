import { describe, expect, it } from "vitest";
import type { Catalogue } from "../../src/catalogue/catalogue.ts";
import type { MeasuredRow } from "../../src/contracts/measures.ts";
import type { Target } from "../../src/contracts/target.ts";
import { reportText } from "../../src/cli/report.ts";
import { toCsv, toMarkdown } from "../../src/measures/formats.ts";
import { patternsOf } from "../../src/measures/patterns.ts";
import { before, periodOf } from "../../src/measures/period.ts";
import { readReport, type ReportRecord } from "../../src/measures/read-report.ts";
import { toMeasured } from "../../src/measures/facts.ts";
import { reportOf, toReported, type Report, type ReportFacts } from "../../src/measures/report.ts";
import { percent, seconds } from "../../src/measures/sections.ts";
import { aPlan } from "../record/builders.ts";
import { aRow, anEffect, at } from "./support.ts";

const period = periodOf("month", "2026-10", "UTC");
if (period === null) throw new Error("no such month");
const SETTINGS = {
  runbooks: [
    { name: "disk", owner: "sre", reviewBy: "2026-11-01T00:00:00.000Z", savesMinutes: 90 },
    { name: "power", owner: "sre", reviewBy: "2027-11-01T00:00:00.000Z", savesMinutes: null },
  ],
  savesMinutes: 30,
  labels: ["model", "rack"],
  targets: [target("web-1", "A"), target("web-2", "A"), target("web-3", "B")],
};

function target(id: string, model: string): Target {
  return { ...aPlan({ target: id, rack: "r1" }).target, labels: { model } };
}

function made(rows: MeasuredRow[], more: Partial<ReportFacts> = {}): Promise<Report> {
  const nothing = { faults: 0, alerts: [] };
  return reportOf(
    {
      ...{
        period: period as NonNullable<typeof period>,
        now: "2026-11-02T00:00:00.000Z",
        group: null,
        rows: rows.map(toReported),
        before: [],
      },
      ...{ unmatched: nothing, unmatchedBefore: nothing, evidence: [], coverage: { targets: 3, covered: 0 } },
      ...more,
    },
    SETTINGS,
  );
}

const web = (id: string) => ({ target: { kind: "host", id } });

describe("a report", () => {
  it("names the tickets that were opened, and those that were withdrawn", async () => {
    const open = {
      action: "ticket.open",
      step: "dc",
      request: { serial: "S1", model: "M" },
      result: { ticketId: "42", url: "u" },
    };
    const effects = [
      anEffect({ ...open, at: at("10:02") }),
      anEffect({ ...open, direction: "undo", state: "happened", result: null }),
      anEffect({ ...open, rung: "two", at: at("10:01"), result: { ticketId: "43", url: "u" } }),
      anEffect({ ...open, rung: "three", state: "notHappened" }),
    ];
    expect((await made([aRow({ effects })])).interventions).toMatchObject([
      { ticket: "43", withdrawn: false, at: at("10:01") },
      { ticket: "42", withdrawn: true, serial: "S1", model: "M", rack: "r1", target: "host/web-1", outcome: "healed" },
    ]);
  });

  it("lists so many tickets at most, the first ones, and counts all", async () => {
    const ticket = (minute: number) =>
      anEffect({ action: "ticket.open", at: new Date(Date.parse(at("10:00")) + minute * 60_000).toISOString() });
    const rows = Array.from({ length: 5_001 }, (_, index) => aRow({ effects: [ticket(5_000 - index)] }));
    const report = await made(rows);
    expect(report).toMatchObject({ tickets: 5_001, interventions: { length: 5_000, 0: { at: at("10:00") } } });
    expect(toMarkdown(report)).toContain("5001 tickets were opened. These are the first 5000;");
  });

  it("is made in turns with whatever else the process has to do", async () => {
    let turns = 0;
    let done = false;
    const count = (): unknown => done || (turns++, setImmediate(count));
    setImmediate(count);
    await made([aRow()]).finally(() => (done = true));
    expect(turns).toBeGreaterThanOrEqual(8);
  });

  it("says what was assumed of the time saved", async () => {
    const rows = [aRow(), aRow({ runbook: "power" }), aRow({ runbook: null }), aRow({ outcome: "failed" })];
    expect((await made(rows)).saved).toEqual({ healed: 3, minutes: 150, byDefault: 2, defaultMinutes: 30 });
    expect(toMarkdown(await made(rows))).toContain("2 of them by the default of 30 minutes");
  });

  it("calls a target an offender when it had trouble more than once; what passed by itself is none", async () => {
    const quiet = { firstEffectAt: null, outcome: "recovered" as const };
    const rows = [aRow(), aRow({ outcome: "failed" }), aRow(web("web-2")), aRow({ ...web("web-2"), ...quiet })];
    expect((await made(rows)).offenders).toMatchObject([
      { target: "host/web-1", remediations: 2, acted: 2, failed: 1 },
    ]);
  });

  it("counts a rung as healed where it was the last one of a healed remediation", async () => {
    const [one, two] = [anEffect({ rung: "one" }), anEffect({ rung: "two" })];
    const rows = [
      aRow({ effects: [one] }),
      aRow({ effects: [one, two, anEffect({ rung: "one", direction: "undo" })] }),
      aRow({ effects: [one, two], outcome: "escalated" }),
    ];
    expect((await made(rows)).rungs).toEqual([
      { runbook: "disk", rung: "one", tried: 3, healed: 1 },
      { runbook: "disk", rung: "two", tried: 2, healed: 1 },
    ]);
  });

  it("counts reasons of refusals alone, and runbooks past their date", async () => {
    const refused = { outcome: "refused" as const, firstEffectAt: null };
    const rows = [
      aRow({ ...refused, codes: ["PAUSED", "RATE"] }),
      aRow({ ...refused, codes: ["RATE"] }),
      aRow({ codes: ["RATE"] }),
    ];
    expect((await made(rows)).refusals).toEqual([
      { code: "RATE", remediations: 2 },
      { code: "PAUSED", remediations: 1 },
    ]);
    expect((await made(rows)).stale.map((one) => one.runbook)).toEqual(["disk"]);
  });

  it("shows the value of the period before, where there was one", async () => {
    const report = await made([aRow()], { before: [toMeasured(aRow({ closedAt: at("10:10") }))] });
    expect(report.measures.find((one) => one.id === "M1")).toMatchObject({ value: 32 * 60, before: 12 * 60 });
    expect((await made([aRow()])).measures.every((one) => one.before === null)).toBe(true);
  });

  it("of an empty month is honest in every format: nothing happened, and no share is 0% or 100%", async () => {
    const report = await made([], { coverage: null });
    const texts = [reportText(report), toMarkdown(report), toCsv(report)];
    for (const text of texts) {
      expect(text).toContain("No remediation was closed in this time.");
      expect(text).toContain("nothing happened");
      // Targets may say 0%: they are beside "at most" and "at least".
      expect(text.replace(/at (most|least) [\d.]+%/g, "")).not.toMatch(/\b\d+(\.\d)?%|NaN|Infinity|undefined/);
    }
  });

  it("says when its period is not over", async () => {
    expect(toMarkdown(await made([], { now: "2026-10-12T00:00:00.000Z" }))).toContain("It is not over yet");
    expect(toMarkdown(await made([]))).not.toContain("It is not over yet");
  });

  it("keeps what comes from outside from being markup, a formula or another line", async () => {
    const hostile = '=HYPERLINK("http://x")|<img src=x>\n# head';
    const unmatched = { faults: 1, alerts: [{ alertname: hostile, faults: 1, lastSeenAt: at("10:00") }] };
    const report = await made([], { unmatched });
    const markdown = toMarkdown(report);
    expect(markdown).not.toMatch(/^# head|[^\\]<img/m);
    expect(markdown).toContain('| =HYPERLINK("http://x")\\|\\<img src=x\\> # head | 1 |');
    expect(toCsv(report)).toContain(`"'=HYPERLINK(""http://x"")|<img src=x>\n# head",1,`);
    expect(reportText(report)).toContain('=HYPERLINK("http://x")|<img src=x> # head');
  });
});

describe("numbers", () => {
  it("are never rounded to all or nothing", () => {
    expect([0, 0.0001, 0.5, 0.9999, 1].map(percent)).toEqual(["0%", "<0.1%", "50%", ">99.9%", "100%"]);
  });

  it("of time are short", () => {
    expect([0.25, 9, 75, 600, 4 * 3600 + 60].map(seconds)).toEqual(["0.25 s", "9 s", "75 s", "10 min", "4 h 1 min"]);
  });
});

describe("patterns", () => {
  const labels = ["model", "rack", "firmware"];
  const fleet = [...Array(10).keys()]
    .map((index) => target(`a-${index}`, "A"))
    .concat([...Array(90).keys()].map((index) => target(`b-${index}`, "B")));
  const host = (id: string) => ({ kind: "host", id });

  it("compare the share of a value's targets with that of all others", () => {
    const troubled = [host("a-0"), host("a-1"), host("a-1"), host("b-0")];
    expect(patternsOf(troubled, { targets: fleet, labels })).toEqual([
      { label: "rack", value: "r1", affected: 3, targets: 100, others: 0, remediations: 4, times: null },
      { label: "model", value: "A", affected: 2, targets: 10, others: 90, remediations: 3, times: 18 },
      { label: "model", value: "B", affected: 1, targets: 90, others: 10, remediations: 1, times: 1 / 18 },
    ]);
  });

  it("leave out targets that the inventory does not know any more, and values that nobody has", () => {
    expect(patternsOf([host("gone")], { targets: fleet, labels })).toEqual([]);
    expect(patternsOf([], { targets: [], labels })).toEqual([]);
  });
});

describe("a time whose details were pruned", () => {
  const catalogue = {
    ...{ runbooks: [], slos: {}, inventory: { targets: [] } },
    ...{ promotion: { within: 1 }, reports: { savesMinutes: 30, patterns: [] } },
  } as unknown as Catalogue;
  const read = (gone: string): Promise<Report> => {
    const record: ReportRecord = {
      now: async () => "2026-11-02T00:00:00.000Z",
      measured: async ({ from }) => ({ rows: [aRow({ pruned: from === gone })], next: null }),
      unmatchedAlerts: async () => ({ faults: 1, alerts: [] }),
      cases: async () => [],
    };
    return readReport(record, catalogue, period, null);
  };
  const m2 = (report: Report) => report.measures.find(({ id }) => id === "M2");

  it("has no report, and nothing is compared with it", async () => {
    expect(m2(await read(""))).toMatchObject({ value: 0.5, before: 0.5 });
    expect(m2(await read(before(period).from))).toMatchObject({ value: 0.5, before: null });
    await expect(read(period.from)).rejects.toThrow(
      "details of remediations that were closed in month 2026-10 were removed (record prune): it cannot be counted",
    );
  });
});
