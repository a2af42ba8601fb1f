/** One YAML file as JSON, with the place of every key and value. Never throws: what is wrong is a located problem. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node, type Pair } from "yaml";
import { isJsonObject, type Json, type JsonObject } from "../contracts/json.ts";
import { formatPath, show, type PathPart, type Problem } from "./problems.ts";
import { piecesOf } from "./yaml-pieces.ts";

export interface YamlSource {
  file: string;
  /** null when the file cannot be read as YAML. With `problems` it is only to be looked at. */
  json: Json | null;
  problems: Problem[];
  /** Makes a problem at the value of `path`, or at its key; a path that is not there is placed at its nearest parent. */
  problem(path: readonly PathPart[], at: "key" | "value", what: ProblemText): Problem;
}

export interface ProblemText {
  message: string;
  wouldBeRight: string;
  /** Left out: nothing is shown. */
  value?: unknown;
  severity?: Problem["severity"];
}

const MAX_BYTES = 16 * 1024 * 1024;
const MAX_DEPTH = 40;
/** Of inventory.yaml: no other list grows with the fleet. */
const LARGE_LIST = "targets";
/** Values that aliases may add; more is an alias bomb. */
const MAX_ALIASED = 100_000;

export function readYaml(file: string, bytes: Uint8Array): YamlSource {
  const broken = (line: number, col: number, message: string, wouldBeRight: string): YamlSource =>
    new Source(file, null, [{ file, line, col, path: "", message, value: null, wouldBeRight, severity: "error" }]);
  if (bytes.length > MAX_BYTES) {
    return broken(1, 1, `the file has ${bytes.length} bytes`, `at most ${MAX_BYTES} bytes are read`);
  }
  const text = decode(bytes);
  if (text === null) return broken(1, 1, "the file is not text", "YAML in UTF-8");
  try {
    const source = new Source(file, text, []);
    source.read();
    return source;
  } catch (error) {
    return broken(1, 1, `the file cannot be read: ${reason(error)}`, "plain YAML, not nested without end");
  }
}

interface Parsed {
  document: Document.Parsed;
  lines: LineCounter;
}

function parsed(text: string): Parsed {
  const lines = new LineCounter();
  const options = { lineCounter: lines, prettyErrors: false, uniqueKeys: true, stringKeys: true };
  return { document: parseDocument(text, options), lines };
}

function decode(bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return text.includes("\0") ? null : text;
  } catch {
    return null;
  }
}

function reason(error: unknown): string {
  if (error instanceof RangeError) return "it is nested too deeply";
  return error instanceof Error ? error.message : String(error);
}

class Source implements YamlSource {
  readonly file: string;
  readonly problems: Problem[];
  json: Json | null = null;
  readonly #text: string | null;
  /** Only problems need it, and it is a hundred times as large as the text: it may go, and is made again. */
  #kept: WeakRef<Parsed> | null = null;
  #aliased = 0;
  #inAlias = 0;
  /** Of what was read so far: `Alias.resolve` walks the whole document for each alias. */
  readonly #anchors = new Map<string, Node>();

  constructor(file: string, text: string | null, problems: Problem[]) {
    this.file = file;
    this.#text = text;
    this.problems = problems;
  }

  get #parsed(): Parsed | null {
    if (this.#text === null) return null;
    const kept = this.#kept?.deref() ?? parsed(this.#text);
    this.#kept = new WeakRef(kept);
    return kept;
  }

  get #document(): Document.Parsed | null {
    return this.#parsed?.document ?? null;
  }

  read(): void {
    this.json = this.#text === null ? null : this.#readInPieces(this.#text);
    if (this.json === null) this.#readWhole();
  }

  /** null: it is not to be taken apart, or something is wrong: the whole file says what, and where. */
  #readInPieces(text: string): Json | null {
    const pieces = piecesOf(text, LARGE_LIST);
    if (pieces === null) return null;
    const read = (piece: string, depth: number): Json | null => {
      const source = new Source(this.file, piece, []);
      source.#readWhole(depth);
      return source.problems.length === 0 ? source.json : null;
    };
    const rest = read(pieces.rest, 0);
    if (rest === null || !isJsonObject(rest)) return null;
    const items: Json[] = [];
    for (const piece of pieces.lists) {
      const list = read(piece, 1);
      if (!Array.isArray(list)) return null;
      for (const item of list) items.push(item);
    }
    return { ...rest, [LARGE_LIST]: items };
  }

  /** `depth`: what lies around it. */
  #readWhole(depth = 0): void {
    const document = this.#document;
    if (document === null) return;
    const tooDeep = document.errors.find(({ message }) => /call stack/i.test(message));
    if (tooDeep !== undefined) {
      // What the parser says after that is made up of where it stopped.
      return void this.#add(tooDeep.pos[0], [], "it is nested too deeply", "plain YAML, not nested without end");
    }
    for (const error of [...document.errors, ...document.warnings])
      this.#add(error.pos[0], [], sentence(error.message), syntaxHelp(error.code));
    // Of a key that is there twice the last one is read, so that what else is wrong is found in the same go.
    const repeated = document.errors.filter(({ code }) => code === "DUPLICATE_KEY").length;
    if (repeated < document.errors.length) return;
    if (document.contents === null) return void this.#add(0, [], "the file is empty", "apiVersion, kind and so on");
    try {
      const json = this.#toJson(document.contents, [], depth);
      if (json === null)
        this.#add(startOf(document.contents), [], "the file says nothing", "apiVersion, kind and so on");
      if (this.problems.length === repeated) this.json = json;
    } catch (error) {
      if (!(error instanceof TooMuch)) throw error;
      this.#add(error.offset, error.path, error.message, "fewer aliases, or none");
    }
  }

  problem(path: readonly PathPart[], at: "key" | "value", what: ProblemText): Problem {
    const { line, col } = this.#place(this.#offset(path, at));
    const value = what.value === undefined ? null : show(what.value);
    const { message, wouldBeRight, severity = "error" } = what;
    return { file: this.file, line, col, path: formatPath(path), message, value, wouldBeRight, severity };
  }

  #add(offset: number, path: readonly PathPart[], message: string, wouldBeRight: string): void {
    const { line, col } = this.#place(offset);
    const rest = { path: formatPath(path), message, value: null, wouldBeRight, severity: "error" as const };
    this.problems.push({ file: this.file, line, col, ...rest });
  }

  #place(offset: number): { line: number; col: number } {
    const { line, col } = this.#parsed?.lines.linePos(offset) ?? { line: 0, col: 0 };
    return line > 0 ? { line, col } : { line: 1, col: 1 };
  }

  #offset(path: readonly PathPart[], at: "key" | "value"): number {
    let node: unknown = this.#document?.contents ?? null;
    let offset = startOf(node);
    for (const [index, part] of path.entries()) {
      const step = this.#child(node, part);
      if (step === null) break;
      const last = index === path.length - 1;
      offset = last && at === "key" ? (step.keyAt ?? startOf(step.node)) : startOf(step.node, step.keyAt ?? offset);
      node = step.node;
    }
    return offset;
  }

  #child(node: unknown, part: PathPart): { node: unknown; keyAt: number | null } | null {
    const held = isAlias(node) ? this.#document && node.resolve(this.#document) : node;
    if (isMap(held)) {
      const pair = held.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
      return pair === undefined ? null : { node: pair.value, keyAt: startOf(pair.key) };
    }
    if (isSeq(held) && typeof part === "number" && part < held.items.length)
      return { node: held.items[part], keyAt: null };
    return null;
  }

  #toJson(node: unknown, path: PathPart[], depth: number): Json {
    if (depth > MAX_DEPTH) throw new TooMuch(`it is nested more than ${MAX_DEPTH} deep`, startOf(node), path);
    if (this.#inAlias > 0 && ++this.#aliased > MAX_ALIASED) {
      throw new TooMuch("aliases make it too large (an alias bomb?)", startOf(node), path);
    }
    if (isAlias(node)) return this.#alias(node, path, depth);
    if ((isMap(node) || isSeq(node) || isScalar(node)) && node.anchor !== undefined)
      this.#anchors.set(node.anchor, node);
    if (isMap(node)) return this.#map(node.items, path, depth);
    if (isSeq(node)) return node.items.map((item, index) => this.#toJson(item, [...path, index], depth + 1));
    return this.#scalar(node, path);
  }

  #alias(node: Node, path: PathPart[], depth: number): Json {
    const target = isAlias(node) ? this.#anchors.get(node.source) : undefined;
    if (target === undefined) {
      this.#add(startOf(node), path, "the alias has no anchor before it", "an anchor (&name) above");
      return null;
    }
    this.#inAlias++;
    const value = this.#toJson(target, path, depth + 1);
    this.#inAlias--;
    return value;
  }

  #map(items: Pair<unknown, unknown>[], path: PathPart[], depth: number): JsonObject {
    const object: JsonObject = {};
    for (const { key, value } of items) {
      const name = isScalar(key) ? String(key.value) : "";
      const at = [...path, name];
      if (name === "" || name === "__proto__") this.#add(startOf(key), at, "this cannot be a key", "a plain word");
      else object[name] = this.#toJson(value, at, depth + 1);
    }
    return object;
  }

  #scalar(node: unknown, path: PathPart[]): Json {
    const value: unknown = isScalar(node) ? node.value : node;
    if (value === null || value === undefined) return null;
    if (typeof value === "string" || typeof value === "boolean") return value;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    this.#add(
      startOf(node),
      path,
      `${typeof value === "number" ? value : "this"} cannot be used here`,
      "text, a finite number, true or false",
    );
    return null;
  }
}

class TooMuch extends Error {
  readonly offset: number;
  readonly path: PathPart[];
  constructor(message: string, offset: number, path: PathPart[]) {
    super(message);
    this.offset = offset;
    this.path = path;
  }
}

function startOf(node: unknown, otherwise = 0): number {
  const range = (node as { range?: [number, number, number] | null } | null)?.range;
  return range?.[0] ?? otherwise;
}

function sentence(message: string): string {
  const first = (message.split("\n")[0] ?? message).replace(/;? please use .*$/i, "");
  return first.charAt(0).toLowerCase() + first.slice(1);
}

function syntaxHelp(code: string): string {
  if (code === "TAB_AS_INDENT") return "spaces for indentation";
  if (code === "MULTIPLE_DOCS") return "one document a file (no second ---)";
  if (code === "DUPLICATE_KEY") return "each key once";
  return "valid YAML";
}
