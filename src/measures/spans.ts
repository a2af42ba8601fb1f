/** How long a remediation waited for people: time that is counted once, however many waited at the same moment. */
import type { Mark, MeasuredRow, Span } from "../contracts/measures.ts";

/** Milliseconds between two ISO times; never negative: the source's clock is another. */
export function between(from: string, to: string): number {
  return Math.max(0, Date.parse(to) - Date.parse(from));
}

/** Milliseconds of `within` that lie in at least one of the spans. */
export function covered(spans: readonly Span[], within: Span): number {
  const [from, to] = [Date.parse(within.from), Date.parse(within.to)];
  const clipped = spans
    .map((span) => ({ from: Math.max(from, Date.parse(span.from)), to: Math.min(to, Date.parse(span.to)) }))
    .filter((span) => span.to > span.from)
    .sort((a, b) => a.from - b.from);
  let sum = 0;
  let until = from;
  for (const span of clipped) {
    sum += Math.max(0, span.to - Math.max(until, span.from));
    until = Math.max(until, span.to);
  }
  return sum;
}

/** Waiting for an approval, and for whoever had taken it over. */
export function peopleSpans({ marks, closedAt }: Pick<MeasuredRow, "marks" | "closedAt">): Span[] {
  return [
    ...spansOf(
      marks,
      closedAt,
      isAsking,
      (mark) => !isAsking(mark) && ["progress", "effectIntended"].includes(mark.kind),
    ),
    ...spansOf(marks, closedAt, ({ kind }) => kind === "held", isGoingOn),
  ];
}

function isAsking({ kind, what }: Mark): boolean {
  return kind === "progress" && what === "approve";
}

/** Whoever takes it from another holds it on. */
function isGoingOn({ kind, what }: Mark): boolean {
  return kind === "command" && what !== "take";
}

function spansOf(
  marks: readonly Mark[],
  closedAt: string,
  begins: (mark: Mark) => boolean,
  ends: (mark: Mark) => boolean,
): Span[] {
  const spans: Span[] = [];
  let from: string | null = null;
  for (const mark of marks) {
    if (from === null && begins(mark)) from = mark.at;
    else if (from !== null && ends(mark)) {
      spans.push({ from, to: mark.at });
      from = null;
    }
  }
  return from === null ? spans : [...spans, { from, to: closedAt }];
}
