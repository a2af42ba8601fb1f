/**
 * A large list of a YAML file, taken apart between its items. The parser's nodes take a hundred times the memory of their
 * text, and clearing them away takes longer than parsing. Nothing here understands YAML: what might make an item mean
 * something else by itself (anchors, directives, other documents, odd indentation) leaves the file in one piece.
 */

export interface Pieces {
  /** The file with an empty list in the list's place. */
  rest: string;
  /** The list's items, some a piece, each a list by itself. */
  lists: string[];
}

export interface PiecesOptions {
  /** Smaller files are read at once; in characters. */
  large: number;
  /** Items in a piece. */
  items: number;
}

const DEFAULTS: PiecesOptions = { large: 64 * 1024, items: 200 };
/** Anchors, aliases and tags; what only looks like one costs time alone. */
const REFERS = /(^|[\s[{,:])[&*!][^\s=]/m;
/** Directives, the borders of documents, and tabs among white space at the begin of a line. */
const BORDERS = /^(%|---|\.\.\.| *\t)/m;

/** `key`: of the list, at the top of the file. null: it is not large, or must be read as a whole. */
export function piecesOf(text: string, key: string, { large, items }: PiecesOptions = DEFAULTS): Pieces | null {
  if (text.length < large || REFERS.test(text) || BORDERS.test(text)) return null;
  const lines = text.split("\n");
  const head = lines.findIndex((line) => line.startsWith(`${key}:`));
  if (head < 0 || !/^:\s*(#.*)?$/.test((lines[head] ?? "").slice(key.length))) return null;
  const first = lines.findIndex((line, index) => index > head && isContent(line));
  const indent = /^ *(?=- )/.exec(lines[first] ?? "")?.[0].length;
  if (indent === undefined) return null;
  const end = lines.findIndex((line, index) => index > first && isContent(line) && !isOfList(line, indent));
  const list = lines.slice(first, end < 0 ? lines.length : end);
  const after = end < 0 ? [] : lines.slice(end);
  // A key of the file follows, or nothing. Anything else is a mistake that the parser tells best.
  if (after.length > 0 && !/^[A-Za-z_]/.test(after[0] ?? "")) return null;
  const rest = [...lines.slice(0, head), `${key}: []`, ...after].join("\n");
  // Whether a text of several lines ends with a line's end is part of it.
  return { rest, lists: cut(end < 0 ? list : [...list, ""], `${" ".repeat(indent)}- `, items) };
}

function isContent(line: string): boolean {
  return !/^\s*(#.*)?$/.test(line);
}

/** The begin of an item, or further in than that. */
function isOfList(line: string, indent: number): boolean {
  const own = line.length - line.trimStart().length;
  return own > indent || (own === indent && line.startsWith("- ", indent));
}

function cut(list: readonly string[], item: string, most: number): string[] {
  const pieces: string[] = [];
  let [from, items] = [0, 0];
  for (const [index, line] of list.entries()) {
    if (!line.startsWith(item)) continue;
    if (items === most) {
      pieces.push(`${list.slice(from, index).join("\n")}\n`);
      [from, items] = [index, 0];
    }
    items += 1;
  }
  return [...pieces, list.slice(from).join("\n")];
}
