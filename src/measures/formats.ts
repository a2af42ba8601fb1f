/** A report as Markdown and as CSV. What comes from outside stays text in both. */
import type { Report } from "./report.ts";
import { headlineOf, sectionsOf, type Section } from "./sections.ts";

export function toMarkdown(report: Report): string {
  const { title, text } = headlineOf(report);
  const sections = sectionsOf(report).map(sectionMarkdown);
  return `${[`# ${cell(title)}`, cell(text), ...sections].join("\n\n")}\n`;
}

function sectionMarkdown({ title, note, header, rows, empty }: Section): string {
  const head = [`## ${title}`, ...(note === "" ? [] : [note])];
  if (rows.length === 0) return [...head, `${empty}.`].join("\n\n");
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(" | ")} |`;
  return [...head, [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n")].join("\n\n");
}

/** No markup, no line end and no end of a table's cell. */
export function cell(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ").replace(/[\\`*_[\]<>|]/g, (character) => `\\${character}`);
}

/**
 * One table a section, each with its name in the first column and its header before it; RFC 4180. An empty section is its
 * name and what it says of that.
 */
export function toCsv(report: Report): string {
  const { title, text } = headlineOf(report);
  const lines = sectionsOf(report).flatMap(({ title: name, header, rows, empty }) =>
    rows.length === 0 ? [[name, empty]] : [[name, ...header], ...rows.map((row) => [name, ...row])],
  );
  return [["Report", title, text], ...lines].map((line) => `${line.map(csvCell).join(",")}\r\n`).join("");
}

/** A spreadsheet takes what begins so for a formula. */
function csvCell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) && text !== "-" ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
