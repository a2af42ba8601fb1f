/** The report of each day, week or month that selfheal.yaml names, once it is over: kept as Markdown and CSV, then sent. */
import { toCsv, toMarkdown } from "../../measures/formats.ts";
import { before, periodAt, type Period } from "../../measures/period.ts";
import { readReport } from "../../measures/read-report.ts";
import type { Report } from "../../measures/report.ts";
import { headlineOf, seconds } from "../../measures/sections.ts";
import type { JsonObject } from "../../contracts/json.ts";
import type { LessonDependencies } from "./lessons.ts";
import { MOST_SENDS, sendAll } from "./send.ts";

/**
 * Of the last period alone: what was not made while nobody worked is there for `selfheal report`. Of a time before the
 * record began there is nothing to say.
 */
export async function makeReports({ record, catalogues }: LessonDependencies): Promise<void> {
  const [catalogue, now, began] = await Promise.all([catalogues.active(), record.now(), record.began()]);
  for (const kind of catalogue.reports.send) {
    const period = before(periodAt(kind, now, catalogue.reports.timezone));
    if (began === null || period.to <= began || (await record.report(keyOf(period))) !== null) continue;
    const report = await readReport(record, catalogue, period, null);
    const asJson = JSON.parse(JSON.stringify(report)) as JsonObject;
    await record.saveReport({
      period: keyOf(period),
      report: asJson,
      markdown: toMarkdown(report),
      csv: toCsv(report),
    });
  }
}

function keyOf({ kind, name }: Period): string {
  return `${kind} ${name}`;
}

export async function sendReports({ record, catalogues, ports }: LessonDependencies): Promise<void> {
  const due = await record.reportsToSend(MOST_SENDS);
  if (due.length === 0) return;
  const { route } = (await catalogues.active()).reports;
  await sendAll(
    ports.notify,
    due,
    async (period) => {
      const kept = await record.report(period);
      if (kept === null) throw new Error(`the record lost the report of ${period}`);
      const report = kept.report as unknown as Report;
      return { key: `report/${period}`, route, title: headlineOf(report).title, text: summaryOf(report) };
    },
    (period, error) => record.reportSent(period, error),
  );
}

/** A chat message is short: the whole of it is a command away. */
function summaryOf(report: Report): string {
  const { period, saved, offenders, patterns } = report;
  const tickets = report.tickets === 1 ? "1 ticket" : `${report.tickets} tickets`;
  return [
    headlineOf(report).text,
    `${tickets} opened for the datacenter; about ${seconds(saved.minutes * 60)} of work saved (an assumption).`,
    ...offenders.slice(0, 3).map((one) => `Again and again: ${one.target}, ${one.remediations} times.`),
    ...patterns
      .slice(0, 2)
      .map((one) => `${one.affected} of ${one.targets} targets with ${one.label} ${one.value} had trouble.`),
    `Whole, as Markdown or CSV: selfheal report --${period.kind} ${period.name} --format markdown`,
  ].join("\n");
}
