/** `selfheal init`: a first folder to edit, from the example that the tests run against real servers. */
import { cp, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { projectPath } from "../config/project.ts";
import { EXIT, messageOf, UserError } from "../config/user-error.ts";
import { withExamples } from "./options.ts";
import { printResult } from "./output.ts";
import { writeSchemas } from "./schema.ts";

const EXAMPLE = projectPath("examples", "first-remediation");
const SCHEMAS = "schemas";
/** Which schema checks which file of the folder, seen from that file. */
const CHECKED_BY = [
  { file: "selfheal.yaml", schema: `./${SCHEMAS}/config.schema.json` },
  { file: "inventory.yaml", schema: `./${SCHEMAS}/inventory.schema.json` },
  { file: join("runbooks", "disk-replacement.yaml"), schema: `../${SCHEMAS}/runbook.schema.json` },
  { file: join("runbooks", "disk-replacement.test.yaml"), schema: `../${SCHEMAS}/runbook-test.schema.json` },
];

export function initCommand(): Command {
  const command = new Command("init")
    .description("Write a first configuration folder: it only observes until you say otherwise.")
    .argument("[folder]", "new or empty", "config");
  command.action(async (folder: string) => {
    await initFolder(folder);
    printResult(command, { folder }, () => nextSteps(folder));
  });
  return withExamples(command, [["selfheal init config", "then edit config/selfheal.yaml and config/inventory.yaml"]]);
}

/** Nothing is overwritten: a folder with anything in it is refused. */
export async function initFolder(folder: string): Promise<void> {
  const there = await entriesOf(folder);
  if (there.length > 0) {
    throw new UserError(`${folder} is not empty (${there.slice(0, 3).join(", ")}): give a new or an empty folder`, {
      exitCode: EXIT.usage,
    });
  }
  await cp(EXAMPLE, folder, { recursive: true });
  await writeSchemas(join(folder, SCHEMAS));
  for (const { file, schema } of CHECKED_BY) await pointTo(join(folder, file), schema);
}

async function entriesOf(folder: string): Promise<string[]> {
  try {
    await mkdir(folder, { recursive: true });
    return await readdir(folder);
  } catch (error) {
    const message = `${folder} cannot be made a folder (${messageOf(error)}): give a new or an empty one that this user may write`;
    throw new UserError(message, { cause: error, exitCode: EXIT.usage });
  }
}

/** The modeline by which editors with yaml-language-server complete and check. */
async function pointTo(path: string, schema: string): Promise<void> {
  const text = (await readFile(path, "utf8")).replace(/^# yaml-language-server:.*\n/, "");
  await writeFile(path, `# yaml-language-server: $schema=${schema}\n${text}`);
}

function nextSteps(folder: string): string {
  return [
    `wrote ${folder}: selfheal.yaml (your systems, mode observe), inventory.yaml (your hosts), runbooks/, monitoring/`,
    "",
    "Next:",
    `  edit ${join(folder, "selfheal.yaml")} and ${join(folder, "inventory.yaml")}`,
    `  selfheal runbook check ${folder}     every mistake at once`,
    `  selfheal runbook test ${folder}      what the runbooks decide, against the tests beside them`,
    `  selfheal dev --no-lab --config ${folder}   on your own systems; it only looks`,
    "  selfheal alertmanager snippet        the receiver to paste into Alertmanager",
  ].join("\n");
}
