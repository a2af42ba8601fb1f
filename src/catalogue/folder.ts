/**
 * A configuration folder as it was at one moment. Editors replace files, git changes many one after the other, and
 * Kubernetes turns a link to other content: what changed while it was read is read again, so no mixture is ever seen.
 */
import { createHash } from "node:crypto";
import { lstat, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";

export interface FolderFile {
  /** Relative to the folder: `teams/storage/runbooks/disk.yaml`. */
  file: string;
  /** null: it cannot be read. */
  bytes: Uint8Array | null;
  /** Why not: `ENOENT`, `EACCES`, or its size. */
  fault: string | null;
}

export interface Snapshot {
  /** sha256 over all names and contents: equal content gives equal text, whatever touched the files. */
  hash: string;
  config: FolderFile;
  inventory: FolderFile;
  /** null: there is none, which is no fault. */
  slos: FolderFile | null;
  runbooks: FolderFile[];
  /** By team: `teams/<team>/runbooks/*.yaml`. */
  teams: Map<string, FolderFile[]>;
}

const CONFIG = "selfheal.yaml";
const INVENTORY = "inventory.yaml";
const SLOS = "slos.yaml";
const TEAMS = "teams";
/** A folder that changes faster than it can be read is tried again by the next look. */
const TRIES = 5;
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const MAX_FILES = 10_000;

/** Of all its files. */
export function bytesOf({ config, inventory, slos, runbooks, teams }: Snapshot): number {
  const files = [config, inventory, ...(slos === null ? [] : [slos]), ...runbooks, ...[...teams.values()].flat()];
  return files.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0);
}

/** Throws when the folder changes while it is read, again and again. A file that is not there is a `fault` of its own. */
export async function readFolder(folder: string): Promise<Snapshot> {
  for (let tries = 0; tries < TRIES; tries++) {
    const before = await stampOf(folder);
    const snapshot = await readOnce(folder);
    if ((await stampOf(folder)) === before) return snapshot;
  }
  throw new Error(`${folder} changes while it is read; it was tried ${TRIES} times`);
}

/** Cheap: names, identities, sizes and times of all files. Another text means that it is worth reading again. */
export async function stampOf(folder: string): Promise<string> {
  const files = await filesOf(folder);
  const stamps = await Promise.all(files.map(async (file) => `${file} ${await stampOfFile(join(folder, file))}`));
  return stamps.join("\n");
}

async function stampOfFile(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(" ");
  } catch (error) {
    return codeOf(error);
  }
}

async function readOnce(folder: string): Promise<Snapshot> {
  const files = await Promise.all((await filesOf(folder)).map((file) => readOne(join(folder, file), file)));
  const hash = createHash("sha256");
  for (const { file, bytes, fault } of files) {
    hash.update(JSON.stringify([file, bytes?.length ?? null, fault]));
    if (bytes !== null) hash.update(bytes);
  }
  const named = (name: string): FolderFile => files.find(({ file }) => file === name) ?? missing(name);
  const teams = new Map<string, FolderFile[]>();
  for (const one of files) {
    const [top, team = ""] = one.file.split("/");
    if (top === TEAMS && team !== "") teams.set(team, [...(teams.get(team) ?? []), one]);
  }
  const runbooks = files.filter(({ file }) => file.startsWith("runbooks") || file === TEAMS);
  const slos = named(SLOS);
  return {
    hash: hash.digest("hex"),
    config: named(CONFIG),
    inventory: named(INVENTORY),
    slos: slos.fault === "ENOENT" ? null : slos,
    runbooks,
    teams,
  };
}

/** Relative names, sorted. A folder that cannot be listed stands for itself, so that its fault is seen. */
async function filesOf(folder: string): Promise<string[]> {
  const teams = await foldersIn(join(folder, TEAMS));
  if (teams === null) return [CONFIG, INVENTORY, SLOS, TEAMS];
  const ofTeams = await Promise.all(teams.map((team) => yamlIn(folder, `${TEAMS}/${team}/runbooks`)));
  const own = await yamlIn(folder, "runbooks");
  // Teams may bring all the runbooks there are.
  const isAlone = own.length === 1 && own[0] === "runbooks";
  const isMissing = isAlone && teams.length > 0 && !(await isThere(join(folder, "runbooks")));
  const files = [CONFIG, INVENTORY, SLOS, ...(isMissing ? [] : own), ...ofTeams.flat()];
  if (files.length <= MAX_FILES) return files;
  throw new Error(`${folder} has ${files.length} files with runbooks; at most ${MAX_FILES} are read`);
}

async function yamlIn(folder: string, under: string): Promise<string[]> {
  try {
    const names = (await readdir(join(folder, under))).filter(isRunbookFile).sort();
    return names.map((name) => `${under}/${name}`);
  } catch {
    return [under];
  }
}

/** Editors keep locks and unfinished copies beside a file: `.#disk.yaml`, `.disk.yaml.swp`. */
export function isRunbookFile(name: string): boolean {
  return /\.ya?ml$/.test(name) && !name.startsWith(".") && !isRunbookTestFile(name);
}

/** Tests lie beside the runbooks. */
function isRunbookTestFile(name: string): boolean {
  return /\.test\.ya?ml$/.test(name) && !name.startsWith(".");
}

/**
 * Tests, as relative names, sorted: beside the runbooks of a `whole` folder and of its teams, or in a folder of
 * `runbooks` alone.
 */
export async function runbookTestsIn(folder: string, kind: "whole" | "runbooks"): Promise<string[]> {
  const teams = kind === "whole" ? ((await foldersIn(join(folder, TEAMS))) ?? []) : [];
  const places = kind === "whole" ? ["runbooks/", ...teams.map((team) => `${TEAMS}/${team}/runbooks/`)] : [""];
  const found = places.map(async (under) => {
    const names = await readdir(join(folder, under)).catch((): string[] => []);
    return names.filter(isRunbookTestFile).map((name) => `${under}${name}`);
  });
  return (await Promise.all(found)).flat().sort();
}

/** Kubernetes puts `..data` beside what it mounts. null: there is something that cannot be listed. */
async function foldersIn(path: string): Promise<string[] | null> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => null);
  if (entries === null) return (await isThere(path)) ? null : [];
  const folders = entries.filter((entry) => !entry.isFile() && !entry.name.startsWith("."));
  return folders.map(({ name }) => name).sort();
}

/** Also a link to nothing, and what this user may not look at. */
async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error: unknown) => codeOf(error) !== "ENOENT",
  );
}

async function readOne(path: string, file: string): Promise<FolderFile> {
  try {
    const { size } = await stat(path);
    if (size > MAX_FILE_BYTES) return { file, bytes: null, fault: `it has ${size} bytes` };
    return { file, bytes: await readFile(path), fault: null };
  } catch (error) {
    return { file, bytes: null, fault: codeOf(error) };
  }
}

/** One file by itself, such as a runbook that is not in a folder yet. */
export function readFileAlone(path: string): Promise<FolderFile> {
  return readOne(path, path);
}

function missing(file: string): FolderFile {
  return { file, bytes: null, fault: "ENOENT" };
}

function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? code : "unreadable";
}
