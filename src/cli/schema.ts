/** `selfheal schema`: JSON Schema of each kind of file, for editors and CI. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Argument, Command } from "commander";
import { ACTIONS } from "../activities/actions.ts";
import { jsonSchema, KINDS, type Kind } from "../catalogue/schema.ts";
import { openApi } from "../starters/http/openapi.ts";
import { OPERATIONS } from "../starters/http/operations.ts";
import { withExamples } from "./options.ts";
import { printResult } from "./output.ts";

export function schemaCommand(): Command {
  const command = new Command("schema")
    .description(
      "Print the JSON Schema of runbooks, their tests, selfheal.yaml (config), inventory.yaml or slos.yaml, for editors.",
    )
    .addArgument(new Argument("[kind]", "which file").choices(KINDS).default("runbook"))
    .option("--out <folder>", "write all of them there, as KIND.schema.json")
    .option("--openapi", "the HTTP API as OpenAPI 3.1 instead, as it is served at /openapi.json");
  command.action(async (kind: Kind, options: { out?: string; openapi?: true }) => {
    if (options.openapi === true) {
      const document = openApi(OPERATIONS);
      printResult(command, document, () => JSON.stringify(document, null, 2));
      return;
    }
    if (options.out === undefined) {
      const schema = jsonSchema(kind, ACTIONS);
      printResult(command, schema, () => JSON.stringify(schema, null, 2));
      return;
    }
    const files = await writeSchemas(options.out);
    printResult(command, { files }, () => files.map((file) => `wrote ${file}`).join("\n"));
  });
  return withExamples(command, [
    ["selfheal schema runbook", "to stdout"],
    ["selfheal schema --openapi", "to generate a client of the API"],
    [
      "selfheal schema --out schemas",
      "then begin a file with: # yaml-language-server: $schema=../schemas/runbook.schema.json",
    ],
  ]);
}

export async function writeSchemas(folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const files = KINDS.map((kind) => ({ kind, file: join(folder, `${kind}.schema.json`) }));
  for (const { kind, file } of files) await writeFile(file, `${JSON.stringify(jsonSchema(kind, ACTIONS), null, 2)}\n`);
  return files.map(({ file }) => file);
}
