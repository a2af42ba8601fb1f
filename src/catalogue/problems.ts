/** What is wrong in a catalogue, and where. Everything is found in one go. */

export type PathPart = string | number;

export interface Problem {
  /** Relative to the folder. */
  file: string;
  /** From 1; 0 when the place is not known (a catalogue that came from the database). */
  line: number;
  col: number;
  /** `ladder[0].steps[2].uses`. */
  path: string;
  /** What is wrong. */
  message: string;
  /** What stands there, clipped; null when nothing does or when it may be a secret. */
  value: string | null;
  /** What would be right. */
  wouldBeRight: string;
  severity: "error" | "warning";
  /** What stands there is not what the grammar wants: whatever else is said about it was said about a stand-in. */
  unread?: boolean;
}

/** `file:line:col path: what is wrong (got …), what would be right`. */
export function formatProblem(problem: Problem): string {
  const { file, line, col, path, message, value, wouldBeRight, severity } = problem;
  const place = line > 0 ? `${file}:${line}:${col}` : file;
  const where = path === "" ? place : `${place} ${path}`;
  const got = value === null ? "" : ` (got ${value})`;
  const right = wouldBeRight === "" ? "" : `, ${wouldBeRight}`;
  return `${where}: ${severity === "warning" ? "warning: " : ""}${message}${got}${right}`;
}

export function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some((problem) => problem.severity === "error");
}

/**
 * In the order in which a reader meets them; the same words at the same place only once, and of what could not be read
 * that alone.
 */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  const unread = new Set(problems.filter((one) => one.unread === true).map(({ file, path }) => `${file} ${path}`));
  const isStandIn = ({ file, path, unread: own }: Problem): boolean =>
    own !== true && unread.size > 0 && pathsTo(path).some((part) => unread.has(`${file} ${part}`));
  const told = problems.filter((problem) => !isStandIn(problem));
  const seen = new Map(told.map((problem) => [formatProblem(problem), problem]));
  return [...seen.values()].sort(
    (a, b) => a.file.localeCompare(b.file) || a.line - b.line || a.col - b.col || a.path.localeCompare(b.path),
  );
}

/** `a.b[0]` -> `a`, `a.b`, `a.b[0]`. */
function pathsTo(path: string): string[] {
  const ends = [...path.matchAll(/[.[]/g)].map(({ index }) => index);
  return [...ends.filter((end) => end > 0), path.length].map((end) => path.slice(0, end));
}

export function formatPath(path: readonly PathPart[]): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (/^[A-Za-z_][A-Za-z0-9_-]*$/.test(part)) text += text === "" ? part : `.${part}`;
    else text += `[${JSON.stringify(part)}]`;
  }
  return text;
}

const MAX_SHOWN = 80;

/** A value for a message: JSON, clipped. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

/** `did you mean "steps"?`, or the whole choice when nothing is near and the choice is small. */
export function suggest(wrong: string, known: readonly string[]): string {
  const near = nearest(wrong, known);
  if (near !== null) return `did you mean ${JSON.stringify(near)}?`;
  if (known.length === 0) return "there is none";
  const shown = known.slice(0, 12).join(", ");
  return `one of ${shown}${known.length > 12 ? ", …" : ""}`;
}

/** The known word that is at most a third of its letters away, or that the wrong one is the beginning of. */
export function nearest(wrong: string, known: readonly string[]): string | null {
  if (wrong.length > 100) return null;
  const written = wrong.toLowerCase();
  let best: { word: string; distance: number } | null = null;
  for (const word of known) {
    const distance = editDistance(written, word.toLowerCase());
    const allowed = Math.max(1, Math.floor(word.length / 3));
    if (distance <= allowed && (best === null || distance < best.distance)) best = { word, distance };
  }
  if (best !== null) return best.word;
  const longer = written.length < 3 ? [] : known.filter((word) => word.toLowerCase().startsWith(written));
  return longer.length === 1 ? (longer[0] ?? null) : null;
}

/** Letters to add, to leave out, to change or to swap with their neighbour. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, (before[j - 2] ?? 0) + 1);
      next.push(least);
    }
    [before, row] = [row, next];
  }
  return row[b.length] ?? 0;
}
