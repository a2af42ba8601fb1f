/** Log lines for a person: `10:31:54 warn  worker: poll failed (address=127.0.0.1:7233)`. */
import { styleText } from "node:util";

/** Shown by their place in the line, or of no use to a person watching. */
const PLACED = new Set(["level", "time", "process", "msg", "pid", "hostname"]);
const MAX_VALUE_LENGTH = 200;

/** A pino JSON line made readable; any other line as it is. `color` false gives plain text. */
export function prettyLine(line: string, color: boolean): string {
  const entry = parse(line);
  if (entry === null) return line;
  const level = textOf(entry["level"] ?? "info");
  const time = textOf(entry["time"] ?? "").slice(11, 19);
  const fields = Object.entries(entry)
    .filter(([name]) => !PLACED.has(name))
    .map(([name, value]) => `${name}=${clip(textOf(value))}`);
  const tail = fields.length === 0 ? "" : ` ${paint("dim", `(${fields.join(" ")})`, color)}`;
  return `${paint("dim", time, color)} ${paintLevel(level, color)} ${textOf(entry["msg"] ?? "")}${tail}`;
}

function parse(line: string): Record<string, unknown> | null {
  if (!line.startsWith("{")) return null;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return null;
  }
}

function paintLevel(level: string, color: boolean): string {
  const padded = level.padEnd(5);
  if (level === "error" || level === "fatal") return paint("red", padded, color);
  return level === "warn" ? paint("yellow", padded, color) : padded;
}

function paint(style: Parameters<typeof styleText>[0], text: string, color: boolean): string {
  return color ? styleText(style, text, { validateStream: false }) : text;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

function clip(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length > MAX_VALUE_LENGTH ? `${line.slice(0, MAX_VALUE_LENGTH)}…` : line;
}
