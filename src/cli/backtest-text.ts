/** A backtest for people. */
import type { BacktestReport } from "../backtest/backtest.ts";
import { CHANGES, CHANGE_MEANS, type ComparisonReport, type Told } from "../backtest/compare.ts";
import { FATES, type FateKind } from "../backtest/fate.ts";
import type { WorldReport } from "../backtest/side.ts";
import { words } from "../policy/guardrail.ts";
import { table } from "./output.ts";

const MOST_EXAMPLES = 20;

const FATE_MEANS: Record<FateKind, string> = {
  acted: "acted",
  observed: "only observed",
  refused: "refused: a person is told",
  recovered: "recovered before anything was done",
  notApproved: "asked, and nobody approved in time",
  approving: "still asking at the end",
  waiting: "still waiting at the end",
  unmatched: "alerts without a runbook",
  repeat: "repeats of what was decided or is open",
};

export function backtestText(report: BacktestReport, assumed: readonly string[]): string {
  const { before, after, comparison, alerts, firing, from, to, late } = report;
  const span = from === null || to === null ? "" : ` from ${from} to ${to}`;
  const parts = [
    `${alerts} alerts (${firing} firing)${span}${late === 0 ? "" : `; ${late} came late and count when they came`}`,
    fatesText(before, after),
    section("What stood in the way for a while", waitsText(before, after)),
    section("Why not, at the end", reasonsText(before, after)),
    section("Breakers that tripped", breakersText(before, after)),
    comparison === null ? "" : comparisonText(comparison),
    `Assumed:\n${assumed.map((line) => `  - ${line}`).join("\n")}`,
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

function section(title: string, text: string): string {
  return text === "" ? "" : `${title}:\n${text}`;
}

type Column = (world: WorldReport) => string | number;

function columns(before: WorldReport | null, after: WorldReport, cell: Column): string[] {
  return (before === null ? [after] : [before, after]).map((world) => String(cell(world)));
}

function header(before: WorldReport | null): string[] {
  return before === null ? ["would have"] : ["before", "after"];
}

function fatesText(before: WorldReport | null, after: WorldReport): string {
  const kinds = FATES.filter((kind) => after.fates[kind] > 0 || (before?.fates[kind] ?? 0) > 0);
  const rows = kinds.map((kind) => [FATE_MEANS[kind], ...columns(before, after, ({ fates }) => fates[kind])]);
  const asked = ["approvals asked", ...columns(before, after, (world) => world.approvalsAsked)];
  return table(["remediations", ...header(before)], [...rows, asked]);
}

function waitsText(before: WorldReport | null, after: WorldReport): string {
  const codes = new Set([...keysOf(before?.waits ?? {}), ...keysOf(after.waits)]);
  if (codes.size === 0) return "";
  const cell = (code: keyof WorldReport["waits"]): Column => {
    return ({ waits }) => {
      const seen = waits[code];
      return seen === undefined ? "0" : `${seen.remediations}, longest ${words(seen.longestMs)}`;
    };
  };
  return table(
    ["reason", ...header(before)],
    [...codes].map((code) => [code, ...columns(before, after, cell(code))]),
  );
}

function reasonsText(before: WorldReport | null, after: WorldReport): string {
  const codes = new Set([...keysOf(before?.reasons ?? {}), ...keysOf(after.reasons)]);
  if (codes.size === 0) return "";
  const rows = [...codes].map((code) => [code, ...columns(before, after, ({ reasons }) => reasons[code] ?? 0)]);
  return table(["reason", ...header(before)], rows);
}

function breakersText(before: WorldReport | null, after: WorldReport): string {
  const rows = [before, after].flatMap((world, index) =>
    (world?.breakers ?? []).map(({ scope, trippedAt, reason }) => [
      before === null ? "" : index === 0 ? "before" : "after",
      trippedAt,
      scope,
      reason,
    ]),
  );
  const shown = rows.slice(0, MOST_EXAMPLES);
  if (rows.length === 0) return "";
  const more = rows.length > shown.length ? `\n… and ${rows.length - shown.length} more` : "";
  return `${table(["catalogue", "at", "scope", "because"], shown)}${more}`;
}

function keysOf<T extends object>(record: T): (keyof T)[] {
  return Object.keys(record) as (keyof T)[];
}

function comparisonText({ faults, changed, changes, moves, examples }: ComparisonReport): string {
  if (changed === 0) return `No decision changes: ${faults} faults were compared.`;
  const kinds = CHANGES.filter((change) => changes[change] > 0).map((change) => [
    change,
    String(changes[change]),
    CHANGE_MEANS[change],
  ]);
  const rows = moves.slice(0, MOST_EXAMPLES).map((move) => [String(move.faults), move.before, move.after]);
  const shown = examples.slice(0, MOST_EXAMPLES).map(({ at, alertname, target, before, after }) => {
    return `  ${at} ${alertname} on ${target ?? "nothing that could be named"}\n    before: ${tell(before)}\n    after:  ${tell(after)}`;
  });
  return [
    `${changed} of ${faults} faults are decided otherwise:\n${table(["change", "faults", "meaning"], kinds)}`,
    `From what to what:\n${table(["faults", "before", "after"], rows)}`,
    `For example:\n${shown.join("\n")}`,
  ].join("\n\n");
}

function tell({ kind, runbook, detail, codes, waitedFor }: Told): string {
  const by = runbook === null ? "" : ` by ${runbook}`;
  const why = codes.length === 0 ? "" : `, ${codes.join(", ")}: ${detail}`;
  const waited = waitedFor.length === 0 ? "" : `, after waiting for ${waitedFor.join(", ")}`;
  return `${FATE_MEANS[kind]}${by}${why}${waited}`;
}
