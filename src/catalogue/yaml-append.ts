/**
 * Adds to the lists and mappings of a YAML text, and leaves every other letter of it as it is. A document that is printed
 * anew keeps comments, but not how people spaced and broke their lines.
 */
import { Document, isMap, isSeq, parseDocument, visit, type Node, type YAMLMap, type YAMLSeq } from "yaml";
import type { Json } from "../contracts/json.ts";
import type { PathPart } from "./problems.ts";

export interface Addition {
  /** Of the list or mapping, which must be there. */
  path: readonly PathPart[];
  /** In a mapping; null: at the end of a list. */
  key: string | null;
  value: Json;
}

type Collection = YAMLMap<Node, Node | null> | YAMLSeq<Node>;

/** null: it cannot be done by adding alone (an empty `[]` that gets lines of its own, an alias, a tag). */
export function withAdditions(text: string, additions: readonly Addition[]): string | null {
  const document = parseDocument(text);
  const places = new Map<Collection, Addition[]>();
  for (const one of additions) {
    const node: unknown = one.path.length === 0 ? document.contents : document.getIn(one.path, true);
    if (!isMap(node) && !isSeq(node)) return null;
    const collection = node as Collection;
    places.set(collection, [...(places.get(collection) ?? []), one]);
  }
  const inserts = [...places].map(([node, added]): Insert | null => {
    const insert = (node.flow === true ? inFlow : inBlock)(text, node, added);
    return insert && { ...insert, depth: added[0]?.path.length ?? 0 };
  });
  if (inserts.some((one) => one === null)) return null;
  return (
    inserts
      .flatMap((one) => one ?? [])
      // From behind; at one place what lies deeper comes first in the text.
      .sort((a, b) => b.at - a.at || a.depth - b.depth)
      .reduce((so, { at, text: added }) => so.slice(0, at) + added + so.slice(at), text)
  );
}

interface Insert {
  at: number;
  depth: number;
  text: string;
}

/** Before the closing bracket, as close to what stands there as people left it. */
function inFlow(text: string, node: Collection, added: readonly Addition[]): Omit<Insert, "depth"> | null {
  const end = node.range?.[1];
  if (end === undefined || !/[\]}]$/.test(text.slice(0, end))) return null;
  const inside = text.slice(0, end - 1).trimEnd();
  const isOpen = node.items.length === 0 || inside.endsWith(",");
  const words = added.map((one) => print(one, true)).join(", ");
  return { at: inside.length, text: isOpen ? ` ${words}` : `, ${words}` };
}

/** A line below the last one of it. */
function inBlock(text: string, node: Collection, added: readonly Addition[]): Omit<Insert, "depth"> | null {
  const first = startOf(node);
  const end = node.range?.[1];
  if (first === null || end === undefined) return null;
  const lineStart = text.lastIndexOf("\n", first - 1) + 1;
  const indent = isSeq(node) ? /^ *(?=-)/.exec(text.slice(lineStart))?.[0] : " ".repeat(first - lineStart);
  if (indent === undefined) return null;
  const last = text.slice(0, end).trimEnd().length;
  const lineEnd = text.indexOf("\n", last);
  const lines = added.flatMap((one) => print(one, false).split("\n"));
  return { at: lineEnd < 0 ? text.length : lineEnd, text: lines.map((line) => `\n${indent}${line}`).join("") };
}

function startOf(node: Collection): number | null {
  const [first] = node.items;
  const start = isMap(node) ? (first as { key: Node } | undefined)?.key : (first as Node | undefined);
  return start?.range?.[0] ?? null;
}

/** Lists within an entry are in one line; so is all of it in a flow. */
function print({ key, value }: Addition, isFlow: boolean): string {
  const entry = new Document(isFlow ? value : key === null ? [value] : { [key]: value });
  visit(entry, {
    Seq: (_, node) => void (node.flow = isFlow || node !== entry.contents),
    Map: (_, node) => void (node.flow = isFlow),
  });
  const printed = entry.toString({ lineWidth: 0 }).trimEnd();
  return isFlow && key !== null ? `${key}: ${printed}` : printed;
}
