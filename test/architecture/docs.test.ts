/** What the docs name must be there: files, links, commands, scripts, variables, codes. A page that lies is worse than none. */
import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import type { Command, Option } from "commander";
import { describe, expect, it } from "vitest";
import { FINDING_CODES } from "../../src/watchers/sweep-finding.ts";
import { ACTIONS } from "../../src/activities/actions.ts";
import { check } from "../../src/catalogue/load.ts";
import { formatProblem } from "../../src/catalogue/problems.ts";
import { readYaml } from "../../src/catalogue/yaml-source.ts";
import { selfhealProgram } from "../../src/cli/program.ts";
import { ENV_SCHEMA } from "../../src/config/env.ts";
import { projectPath } from "../../src/config/project.ts";
import { EXIT } from "../../src/config/user-error.ts";
import { SEARCH_ATTRIBUTES } from "../../src/contracts/attributes.ts";
import * as messages from "../../src/contracts/messages.ts";
import { COMMANDS, OUTCOMES, PHASES } from "../../src/contracts/remediation.ts";
import { REASONS } from "../../src/contracts/verdict.ts";
import { createStarterMetrics } from "../../src/starters/metrics.ts";
import { recordGauges } from "../../src/starters/record-metrics.ts";
import { spanCounter } from "../../src/tracing/metrics.ts";

const PAGES = ["README.md", "CONTRIBUTING.md", ...globSync("docs/**/*.md", { cwd: projectPath() })].sort();
const read = (page: string): string => readFileSync(projectPath(page), "utf8");
const operating = read("docs/operating.md");
const running = read("docs/running.md");
const configuration = read("docs/configuration.md");

interface Fence {
  language: string;
  text: string;
}
function fencesOf(markdown: string): Fence[] {
  const found = [...markdown.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)];
  return found.map(([, language = "", text = ""]) => ({ language, text }));
}
const withoutFences = (markdown: string): string => markdown.replace(/^```[\s\S]*?^```$/gm, "");
/** Inline code, also where a line ends inside it. */
const spansOf = (markdown: string): string[] =>
  [...withoutFences(markdown).matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code.replace(/\s+/g, " "));

/** Command lines: inline code, and the lines of shell blocks with continued lines joined and comments taken off. */
function commandLinesOf(markdown: string): string[] {
  const blocks = fencesOf(markdown).filter(({ language }) => language === "bash");
  const lines = blocks.flatMap(({ text }) => text.replace(/\\\n\s*/g, " ").split("\n"));
  return [...lines, ...spansOf(markdown)].map((line) => line.replace(/(^|\s)(#|--\s+).*$/, "").trim());
}

const ROOT_NAMES = readdirSync(projectPath()).filter(
  (name) => !["node_modules", "dist", ".cache", ".git"].includes(name),
);

/** The paths of this repository that a text names: they begin with something that lies at its root. */
function pathsOf(text: string): string[] {
  const words = text.split(/[\s,;()"'=]+/).map((word) => word.replace(/[:.…]+$/, ""));
  return words.filter((word) => ROOT_NAMES.includes(word.split("/")[0] ?? "") && /[/.]/.test(word));
}

/** `<port>` and `…` stand for anything. */
function isThere(path: string): boolean {
  const pattern = path.replace(/<[^>]*>|…/g, "*");
  if (!/[*{]/.test(pattern)) return existsSync(projectPath(pattern));
  return globSync(pattern, { cwd: projectPath() }).length > 0;
}

/** As GitHub makes them. */
function anchorsOf(markdown: string): string[] {
  const headings = [...withoutFences(markdown).matchAll(/^#+ +(.*)$/gm)].map(([, text = ""]) => text);
  return headings.map((text) =>
    text
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

function brokenLinksOf(page: string): string[] {
  const links = [...withoutFences(read(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [file = "", anchor] = link.split("#");
    const target = file === "" ? page : normalize(join(dirname(page), file));
    if (!existsSync(projectPath(target))) return true;
    return anchor !== undefined && !anchorsOf(read(target)).includes(anchor);
  });
}

const PROGRAM = selfhealProgram();

/** What follows `selfheal` in a command line, up to the next command; null when there is none. */
function argumentsOf(line: string): string[] | null {
  const match = /(?:^|[\s/])selfheal +([^|;&]*)/.exec(line);
  if (match === null || line.startsWith("temporal ")) return null;
  return (match[1] ?? "").match(/"[^"]*"|\S+/g) ?? [];
}

/** What is wrong with a call of our command line, or null. */
function faultOfCall(words: string[]): string | null {
  let command: Command = PROGRAM;
  const rest = [...words];
  while (rest.length > 0) {
    const word = rest.shift() ?? "";
    if (word === "…" || word === "...") return null;
    if (word.startsWith("--")) {
      const fault = faultOfOption(command, word, rest);
      if (fault !== null) return fault;
      continue;
    }
    if (command.commands.length === 0) continue;
    const next = command.commands.find((one) => word.split("|").includes(one.name()));
    if (next === undefined) return `${command.name()} has no command ${word}`;
    command = next;
  }
  return null;
}

function faultOfOption(command: Command, word: string, rest: string[]): string | null {
  if (word === "--help" || word === "--version") return null;
  const known: Option[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) known.push(...at.options);
  const option = known.find((one) => one.long === word || one.short === word);
  if (option === undefined) return `${command.name()} has no option ${word}`;
  if (!option.required) return null;
  const value = rest.shift();
  if (option.argChoices === undefined || value === undefined || option.argChoices.includes(value)) return null;
  return `${word} of ${command.name()} does not take ${value}`;
}

const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
const PROJECTS = [...read("vitest.config.ts").matchAll(/name: "(\w+)"/g)].map(([, name = ""]) => name);

/** Named in the docs, and read by others than src/config/env.ts. */
const READ_ELSEWHERE: Record<string, string> = {
  SELFHEAL_RECORD_HISTORIES: "test/replay/record.test.ts",
  SELFHEAL_CRASH_ROWS: "test/integration/crash-points.test.ts",
  RIG_LOG: "test/support/rig-server.ts",
  TEMPORAL_PORT: "docker-compose.temporal.yml",
  TEMPORAL_UI_PORT: "docker-compose.temporal.yml",
};

/** Rows of the Markdown tables whose first cell is one piece of code. */
function rowsOf(markdown: string): Map<string, string[]> {
  const rows = withoutFences(markdown).matchAll(/^\| `([^`]+)` *\|(.*)\|$/gm);
  return new Map([...rows].map(([, key = "", rest = ""]) => [key, rest.split("|").map((cell) => cell.trim())]));
}
function section(markdown: string, heading: string): string {
  const [, after = ""] = markdown.split(`\n## ${heading}\n`);
  return after.split("\n## ")[0] ?? "";
}

describe.each(PAGES)("%s", (page) => {
  it("names only files that are there", () => {
    const texts = [...spansOf(read(page)), ...fencesOf(read(page)).map(({ text }) => text)];
    expect(texts.flatMap(pathsOf).filter((path) => !isThere(path))).toEqual([]);
  });

  it("links only to pages and headings that are there", () => {
    expect(brokenLinksOf(page)).toEqual([]);
  });

  it("names only commands and options that selfheal has", () => {
    const faults = commandLinesOf(read(page)).flatMap((line) => {
      const words = argumentsOf(line);
      const fault = words === null ? null : faultOfCall(words);
      return fault === null ? [] : [`${line}: ${fault}`];
    });
    expect(faults).toEqual([]);
  });

  it("names only npm scripts and test projects that are there", () => {
    const lines = commandLinesOf(read(page)).join("\n");
    const named = [...lines.matchAll(/npm (?:run (?:--\S+ )*([\w:-]+)|(test))/g)].map(
      ([, run, test]) => run ?? test ?? "",
    );
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
    const projects = [...lines.matchAll(/--project (\w+)/g)].map(([, name = ""]) => name);
    expect(projects.filter((name) => !PROJECTS.includes(name))).toEqual([]);
  });

  it("names only environment variables that somebody reads", () => {
    const named = read(page).match(/\b(?:(?:SELFHEAL|TEMPORAL|RIG)_[A-Z_]*[A-Z]|DATABASE_URL(?:_FILE)?)\b/g) ?? [];
    const unread = named.filter((name) => {
      // A finding of the sweeper that looks like one.
      if ((FINDING_CODES as readonly string[]).includes(name)) return false;
      const elsewhere = READ_ELSEWHERE[name];
      if (elsewhere !== undefined) return !read(elsewhere).includes(name);
      return !(name.replace(/_FILE$/, "") in ENV_SCHEMA.shape) && !(name in ENV_SCHEMA.shape);
    });
    expect(unread).toEqual([]);
  });

  it("names only messages that a remediation takes", () => {
    const alone = Object.values(messages).flatMap((one) =>
      typeof one === "object" && "name" in one ? [String(one.name)] : [],
    );
    const known = [...alone, ...COMMANDS.map((command) => messages.commandUpdate(command).name)];
    const named = [...read(page).matchAll(/--name (remediation\.\w+)/g)].map(([, name = ""]) => name);
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
  });
});

describe("what must stand in the docs", () => {
  it("lists every environment variable, with its own description, and no other", () => {
    const rows = rowsOf(section(configuration, "Environment variables"));
    expect([...rows.keys()]).toEqual(Object.keys(ENV_SCHEMA.shape));
    for (const [name, schema] of Object.entries(ENV_SCHEMA.shape)) {
      if (schema.description !== undefined) expect(rows.get(name)).toEqual([schema.description]);
    }
  });

  it("lists every reason code with its meaning and what to do", () => {
    const rows = rowsOf(section(operating, "Reason codes"));
    expect(Object.fromEntries([...rows].map(([code, [meaning]]) => [code, meaning]))).toEqual(REASONS);
    expect([...rows].filter(([, [, cure]]) => (cure ?? "") === "")).toEqual([]);
  });

  it("lists every outcome, phase and search attribute", () => {
    expect([...rowsOf(section(operating, "What an outcome means")).keys()].sort()).toEqual([...OUTCOMES].sort());
    const rows = rowsOf(section(operating, "What is it doing?"));
    expect([...rows.keys()]).toEqual([...SEARCH_ATTRIBUTES]);
    expect(rows.get("SelfhealPhase")).toEqual([PHASES.map((phase) => `\`${phase}\``).join(", ")]);
  });

  it("lists every exit status", () => {
    const statuses = [...section(running, "Exit status").matchAll(/^\| (\d+) +\|/gm)].map(([, code]) => Number(code));
    expect(statuses).toEqual(Object.values(EXIT).sort((a, b) => a - b));
  });

  it("lists every metric of its own", async () => {
    const { registry } = createStarterMetrics();
    recordGauges(registry);
    spanCounter(registry);
    const metrics = await registry.getMetricsAsJSON();
    const rows = rowsOf(section(running, "Ports, health, metrics"));
    expect(Object.fromEntries([...rows].map(([name, [help]]) => [name, help]))).toEqual(
      Object.fromEntries(metrics.map(({ name, help }) => [name, help])),
    );
  });

  it("its example of a configuration folder loads without a warning", () => {
    const blocks = fencesOf(configuration).filter(({ language }) => language === "yaml");
    const named = (name: string) => {
      const text = blocks.find((block) => block.text.startsWith(`# config/${name}\n`))?.text ?? "";
      return readYaml(name, new TextEncoder().encode(text));
    };
    const { catalogue, problems } = check(
      {
        config: named("selfheal.yaml"),
        inventory: named("inventory.yaml"),
        runbooks: [named("runbooks/power-cycle.yaml")],
      },
      { actions: ACTIONS },
    );
    expect(problems.map(formatProblem)).toEqual([]);
    expect(catalogue?.runbooks.map(({ name }) => name)).toEqual(["power-cycle"]);
  });
});

describe("these checks can fail", () => {
  it("sees a file, a command, an option and a choice that are not there", () => {
    expect(pathsOf("src/nowhere.ts, src/cli/main.ts and runbooks/*.yml.").filter((path) => !isThere(path))).toEqual([
      "src/nowhere.ts",
      "runbooks/*.yml",
    ]);
    expect(faultOfCall(["heal"])).toBe("selfheal has no command heal");
    expect(faultOfCall(["remediation", "list", "--closed"])).toBe("list has no option --closed");
    expect(faultOfCall(["remediation", "list", "--phase", "sleep"])).toBe("--phase of list does not take sleep");
    expect(faultOfCall(["--json", "remediation", "show", "web-1"])).toBeNull();
    expect(argumentsOf("docker compose exec serve /app/bin/selfheal remediation list")).toEqual([
      "remediation",
      "list",
    ]);
  });
});
