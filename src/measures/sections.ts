/** A report as tables: what text, Markdown and CSV are all made of. */
import type { Measure } from "./measures.ts";
import type { Pattern } from "./patterns.ts";
import type { Report } from "./report.ts";

export interface Section {
  title: string;
  /** One or two sentences; "": none. */
  note: string;
  header: readonly string[];
  rows: readonly (readonly string[])[];
  /** What stands there instead of an empty table. */
  empty: string;
}

/** Whole sentences: what the numbers are over. */
export function headlineOf(report: Report): { title: string; text: string } {
  const { period, group, remediations, complete, madeAt } = report;
  const where = group === null ? "" : `, group ${group}`;
  const until = complete ? "" : ` It is not over yet: this is how it stood at ${madeAt}.`;
  const span = `From ${period.from} to ${period.to} (${period.timezone}).${until}`;
  const happened =
    remediations === 0 ? "No remediation was closed in this time." : `${count(remediations, "remediation")} closed.`;
  return { title: `selfheal, ${period.kind} ${period.name}${where}`, text: `${span} ${happened}` };
}

export function sectionsOf(report: Report): Section[] {
  return [
    measures(report),
    outcomes(report),
    saved(report),
    interventions(report),
    ...trouble(report),
    ...care(report),
  ];
}

function measures({ measures: all }: Report): Section {
  return {
    title: "Measures",
    note: "docs/measures.md says what each of them counts. `-`: there was nothing to measure.",
    header: ["measure", "what", "value", "median / p95", "target", "met", "over", "before"],
    rows: all.map((one) => [
      one.id,
      one.name,
      valueText(one, one.value),
      one.spread === null ? "" : `${seconds(one.spread.median)} / ${seconds(one.spread.p95)}`,
      targetText(one),
      one.met === null ? "-" : one.met ? "yes" : "no",
      String(one.of),
      valueText(one, one.before),
    ]),
    empty: "",
  };
}

export function valueText({ unit }: Pick<Measure, "unit">, value: number | null): string {
  if (value === null) return "-";
  if (unit === "seconds") return seconds(value);
  return unit === "share" ? percent(value) : String(Math.round(value * 100) / 100);
}

function targetText({ unit, target }: Measure): string {
  if (target === null) return "";
  return "most" in target
    ? `at most ${valueText({ unit }, target.most)}`
    : `at least ${valueText({ unit }, target.least)}`;
}

/** Never rounded up to 100% or down to 0%: what is not all or nothing must not look so. */
export function percent(share: number): string {
  const tenths = Math.round(share * 1000) / 10;
  if (tenths === 100 && share < 1) return ">99.9%";
  return tenths === 0 && share > 0 ? "<0.1%" : `${tenths}%`;
}

export function seconds(value: number): string {
  if (value < 10) return `${Math.round(value * 100) / 100} s`;
  if (value < 120) return `${Math.round(value)} s`;
  const minutes = Math.round(value / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function count(number: number, what: string): string {
  return number === 1 ? `1 ${what} was` : `${number} ${what}s were`;
}

function outcomes({ outcomes: all }: Report): Section {
  return {
    title: "Outcomes",
    note: "",
    header: ["outcome", "remediations"],
    rows: all.filter((one) => one.remediations > 0).map((one) => [one.outcome, String(one.remediations)]),
    empty: "nothing happened",
  };
}

function saved({ saved: { healed, minutes, byDefault, defaultMinutes } }: Report): Section {
  const assumed = byDefault === 0 ? "" : `, ${byDefault} of them by the default of ${defaultMinutes} minutes`;
  return {
    title: "Time saved",
    note: `An assumption, not a measurement: each healed remediation spares what its runbook's savesMinutes says${assumed}.`,
    header: ["healed", "saved"],
    rows: healed === 0 ? [] : [[String(healed), seconds(minutes * 60)]],
    empty: "nothing was healed",
  };
}

function interventions({ tickets, interventions: all }: Report): Section {
  const left =
    tickets === all.length ? "" : ` These are the first ${all.length}; a report of a day or a week has the others.`;
  return {
    title: "Interventions asked of the datacenter",
    note: all.length === 0 ? "" : `${count(tickets, "ticket")} opened.${left}`,
    header: ["at", "target", "rack", "ticket", "serial", "model", "runbook", "withdrawn", "outcome", "remediation"],
    rows: all.map((one) => [
      ...[one.at, one.target, one.rack ?? "", one.ticket, one.serial ?? "", one.model ?? "", one.runbook ?? ""],
      ...[one.withdrawn ? "yes" : "no", one.outcome, one.remediationId],
    ]),
    empty: "none was asked for",
  };
}

function trouble({ offenders, patterns, rungs, refusals }: Report): Section[] {
  return [
    {
      title: "Repeat offenders",
      note: "Targets that were acted on or went to a person more than once.",
      header: ["target", "remediations", "acted", "failed", "alerts"],
      rows: offenders.map((one) => [
        ...[one.target, String(one.remediations), String(one.acted), String(one.failed), one.alertnames.join(" ")],
      ]),
      empty: "none",
    },
    {
      title: "Error patterns",
      note: "By labels of the inventory. Times: their share of troubled targets over the share of all others.",
      header: ["label", "value", "targets troubled", "of", "remediations", "times"],
      rows: patterns.map((one) => [
        ...[one.label, one.value, String(one.affected), String(one.targets), String(one.remediations)],
        timesText(one),
      ]),
      empty: "none: no troubled target has one of these labels",
    },
    {
      title: "Success by rung",
      note: "",
      header: ["runbook", "rung", "tried", "healed", "share"],
      rows: rungs.map((one) => [
        ...[one.runbook, one.rung, String(one.tried), String(one.healed), percent(one.healed / one.tried)],
      ]),
      empty: "nothing was done",
    },
    {
      title: "Refusals by reason",
      note: "",
      header: ["reason", "remediations"],
      rows: refusals.map((one) => [one.code, String(one.remediations)]),
      empty: "nothing was refused",
    },
  ];
}

function timesText({ times, others }: Pattern): string {
  if (times !== null) return String(Math.round(times * 10) / 10);
  return others === 0 ? "every target has it" : "only these";
}

function care({ unmatched, evidence, stale }: Report): Section[] {
  return [
    {
      title: "Commonest alerts without a runbook",
      note: "",
      header: ["alertname", "faults", "last seen"],
      rows: unmatched.map((one) => [one.alertname, String(one.faults), one.lastSeenAt]),
      empty: "every alert had one, or none came",
    },
    {
      title: "Evidence for promotion",
      note: "Over promotion.within of selfheal.yaml, up to now: as `selfheal modes evidence` shows it.",
      header: ["runbook", "group", "cases", "would act", "agreed", "disagreed", "agreement"],
      rows: evidence.map((one) => [
        ...[one.runbook, one.group, String(one.cases), String(one.wouldAct), String(one.agreed), String(one.disagreed)],
        one.agreement === null ? "-" : percent(one.agreement),
      ]),
      empty: "no remediation was closed in that time",
    },
    {
      title: "Runbooks past their review date",
      note: "",
      header: ["runbook", "owner", "review by"],
      rows: stale.map((one) => [one.runbook, one.owner, one.reviewBy.slice(0, 10)]),
      empty: "none",
    },
  ];
}
