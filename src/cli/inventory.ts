/** `selfheal inventory import`: a first inventory.yaml, or what is new in another system, from what it knows. */
import { randomUUID } from "node:crypto";
import { createConnection } from "node:net";
import { readFile, rename, stat, writeFile } from "node:fs/promises";
import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { ansibleInventory } from "../adapters/ansible/inventory.ts";
import { kubernetesInventory, kubernetesNodes } from "../adapters/kubernetes/inventory.ts";
import { prometheusInventory } from "../adapters/prometheus/inventory.ts";
import { CannotMerge, FIELDS, mergeInventory, type Field, type Merged } from "../catalogue/inventory-merge.ts";
import { formatProblem } from "../catalogue/problems.ts";
import { isReference, resolveSecrets } from "../catalogue/secrets.ts";
import { readYaml } from "../catalogue/yaml-source.ts";
import { processSecrets } from "../config/secrets.ts";
import { EXIT, messageOf, UserError } from "../config/user-error.ts";
import { AdapterError } from "../ports/failure.ts";
import { type FoundTarget } from "../ports/inventory.ts";
import { Secret } from "../ports/secret.ts";
import { withExamples } from "./options.ts";
import { note, printResult } from "./output.ts";

const SOURCES = ["prometheus", "ansible", "kubernetes"] as const;
type Source = (typeof SOURCES)[number];
const MAX_FILE_BYTES = 16 * 1024 * 1024;

interface ImportOptions {
  from: Source;
  kind: string;
  group: string[];
  field: [Field, string][];
  label: string[];
  only: [string, string][];
  domain: string[];
  token?: string;
  out?: string;
  dryRun?: true;
}

export function inventoryCommand(): Command {
  return new Command("inventory").description("The targets that selfheal may know.").addCommand(importCommand());
}

function importCommand(): Command {
  const command = new Command("import")
    .description("Write the targets that another system knows as inventory.yaml, or add them to one that people keep.")
    .addOption(new Option("--from <system>", "what to read").choices(SOURCES).makeOptionMandatory())
    .addArgument(new Argument("<place>", "URL (prometheus, kubernetes), or file (ansible, kubernetes)"))
    .option("--kind <kind>", "kind of the targets", "host")
    .option(
      "--group <name>",
      "their group; given more than once: the one of Ansible's groups that is among them",
      collect,
      [],
    )
    .option(
      "--field <field=label>",
      `take ${FIELDS.join(", ")} from a label (or a variable of Ansible)`,
      collectField,
      [],
    )
    .option("--label <name>", "take this label over as a label of the target", collect, [])
    .option("--only <label=value>", "only what has this label", collectPair, [])
    .option("--domain <domain>", "take it off the end of names", collect, [])
    .option("--token <reference>", "bearer token: env:NAME or file:PATH")
    .option("--out <file>", "write there; a file that is there is added to, and nothing in it is changed")
    .option("--dry-run", "print what --out would write, and write nothing")
    .addHelpText(
      "after",
      "\nExit status: 0 written or printed; 2 something does not fit, and nothing was written; 3 it does not answer.",
    );
  command.action(async (place: string, options: ImportOptions) => {
    const merged = await importInventory(place, options);
    const isWritten = options.out !== undefined && options.dryRun !== true;
    if (isWritten) await replaceFile(options.out ?? "", merged.text);
    printResult(command, isWritten ? { file: options.out, ...counts(merged) } : merged, () =>
      isWritten ? "" : merged.text.trimEnd(),
    );
    note(summary(merged, isWritten ? (options.out ?? null) : null));
  });
  return withExamples(command, [
    ["selfheal inventory import --from prometheus http://prometheus:9090 --group web --only job=node", "to stdout"],
    [
      "selfheal inventory import --from ansible hosts.ini --group web --group db --out config/inventory.yaml",
      "add what is new",
    ],
    [
      "selfheal inventory import --from kubernetes nodes.json --group nodes --field region=topology.kubernetes.io/region",
      "from kubectl get nodes -o json",
    ],
  ]);
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}
function collectPair(value: string, before: [string, string][]): [string, string][] {
  const at = value.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("NAME=VALUE.");
  return [...before, [value.slice(0, at), value.slice(at + 1)]];
}
function collectField(value: string, before: [Field, string][]): [Field, string][] {
  const [[field = "", label = ""] = []] = collectPair(value, []);
  const known = FIELDS.find((one) => one === field);
  if (known === undefined || label === "")
    throw new InvalidArgumentError(`FIELD=LABEL, with a field of ${FIELDS.join(", ")}.`);
  return [...before, [known, label]];
}

/** Throws a UserError with everything that does not fit. */
export async function importInventory(place: string, options: ImportOptions): Promise<Merged> {
  try {
    const found = await read(place, options);
    const existing = options.out === undefined ? null : await readFile(options.out, "utf8").catch(unlessMissing);
    return mergeInventory(existing, found, {
      kind: options.kind,
      groups: options.group,
      fields: Object.fromEntries(options.field),
      labels: options.label,
      only: Object.fromEntries(options.only),
      domains: options.domain,
    });
  } catch (error) {
    if (error instanceof CannotMerge) throw cannot(error.problems);
    if (!(error instanceof AdapterError)) throw error;
    const exitCode = error.failure === "transient" ? EXIT.unavailable : EXIT.usage;
    throw new UserError(messageOf(error), { cause: error, exitCode });
  }
}

const SHOWN = 20;

function cannot(problems: readonly string[]): UserError {
  const shown = problems.slice(0, SHOWN).map((problem) => `  ${problem}`);
  const more = problems.length > SHOWN ? [`  … and ${problems.length - SHOWN} more`] : [];
  return new UserError(["nothing was imported:", ...shown, ...more].join("\n"), { exitCode: EXIT.usage });
}

async function read(place: string, { from, token }: ImportOptions): Promise<FoundTarget[]> {
  const isUrl = /^https?:\/\//.test(place);
  const access = token === undefined ? {} : { token: secretOf(token) };
  const outside = { fetch, connect: createConnection, clock: { now: Date.now } };
  if (from === "prometheus") {
    if (!isUrl) throw new UserError(`${place}: right would be a URL, http://HOST:9090`, { exitCode: EXIT.usage });
    return prometheusInventory({ url: place, ...access, outside }).found();
  }
  if (from === "kubernetes" && isUrl) return kubernetesInventory({ url: place, ...access, outside }).found();
  const bytes = await readBounded(place);
  const text = new TextDecoder().decode(bytes);
  const source = readYaml(place, bytes);
  if (from === "kubernetes" && source.problems.length > 0) throw cannot(source.problems.map(formatProblem));
  if (from === "kubernetes") return kubernetesNodes(source.json);
  // Not everything that is no mapping is INI: a broken YAML file is better said as such.
  const isIni = /^\s*\[[^\]\s]+\]\s*$/m.test(text) || typeof source.json === "string";
  if (source.problems.length > 0 && !isIni) throw cannot(source.problems.map(formatProblem));
  return ansibleInventory(isIni ? text : source.json);
}

function secretOf(reference: string): Secret {
  const { value, missing } = isReference(reference)
    ? resolveSecrets(reference, processSecrets())
    : { value: null, missing: [] };
  if (value instanceof Secret) return value;
  const message = missing[0]?.message ?? "a secret on the command line is seen by everybody";
  throw new UserError(`--token: ${message}; right would be env:NAME or file:PATH`, { exitCode: EXIT.usage });
}

async function readBounded(file: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(file);
    if (size <= MAX_FILE_BYTES) return await readFile(file);
    throw new UserError(`${file} has ${size} bytes, at most ${MAX_FILE_BYTES} are read`, { exitCode: EXIT.usage });
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(messageOf(error), { cause: error, exitCode: EXIT.usage });
  }
}

function unlessMissing(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null;
  throw new UserError(messageOf(error), { cause: error, exitCode: EXIT.usage });
}

/** Whoever reads it sees all of the old text or all of the new. */
async function replaceFile(file: string, text: string): Promise<void> {
  const beside = `${file}.${randomUUID().slice(0, 8)}.tmp`;
  await writeFile(beside, text);
  await rename(beside, file);
}

function counts({ added, filledIn, notFound }: Merged): object {
  return { added, filledIn, notFound };
}

function summary({ added, filledIn, notFound }: Merged, file: string | null): string {
  const gone =
    notFound.length === 0
      ? ""
      : `; not found there, and kept: ${notFound.slice(0, SHOWN).join(", ")}${notFound.length > SHOWN ? ", …" : ""}`;
  return `${file === null ? "" : `${file}: `}${added.length} added, ${filledIn.length} filled in${gone}`;
}
