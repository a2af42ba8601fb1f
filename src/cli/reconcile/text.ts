/** The reconciliation for people: one line a check, the exceptions below, and one sentence at the end. */
import { paint, type Style } from "../output.ts";
import type { Exception, Reconciliation } from "./reconcile.ts";

const KINDS: Record<Exception["kind"], { name: string; style: Style }> = {
  lost: { name: "LOST", style: "red" },
  doubled: { name: "DOUBLED", style: "red" },
  leftBehind: { name: "LEFT", style: "red" },
  overLimit: { name: "OVER", style: "red" },
  person: { name: "person", style: "yellow" },
};

export function reconciliationText({ ok, checks }: Reconciliation): string {
  const width = Math.max(...checks.map(({ check }) => check.length));
  const rows = checks.flatMap(({ check, figures, exceptions }) => [
    `${markOf(exceptions)}  ${check.padEnd(width)}  ${figures}`,
    ...exceptions.flatMap((exception) => exceptionLines(exception, width)),
  ]);
  return [...rows, "", paint(ok ? "green" : "red", sentence({ ok, checks }))].join("\n");
}

function markOf(exceptions: readonly Exception[]): string {
  if (exceptions.length === 0) return paint("green", "ok    ");
  const wrong = exceptions.some(({ kind }) => kind !== "person");
  return wrong ? paint("red", "WRONG ") : paint("yellow", "person");
}

function exceptionLines({ kind, about, sentence, next }: Exception, width: number): string[] {
  const margin = " ".repeat(8 + width + 2);
  const { name, style } = KINDS[kind];
  return [`${margin}${paint(style, name)} ${about}: ${sentence}`, `${margin}  next: ${next}`];
}

function sentence({ ok, checks }: Reconciliation): string {
  const all = checks.flatMap(({ exceptions }) => exceptions);
  const people = new Set(all.filter(({ kind }) => kind === "person").map(({ next }) => next)).size;
  const left = people === 0 ? "" : `; ${people} left to a person, each named above`;
  if (ok) return `Nothing lost, nothing doubled, nothing left behind${left}.`;
  const of = (kind: Exception["kind"]): number => all.filter((one) => one.kind === kind).length;
  return `NOT in order: ${of("lost")} lost, ${of("doubled")} doubled, ${of("leftBehind")} left behind, ${of("overLimit")} over a limit${left}.`;
}
