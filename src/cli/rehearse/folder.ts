/**
 * The folder that a rehearsal runs on: the lab's, with one runbook of the user's as it is written. Named probes and SLIs
 * ask the user's systems, which the lab is not: the lab's own stand in for them, by name.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { isContent, type Catalogue, type Runbook } from "../../catalogue/catalogue.ts";
import { runbooksFor } from "../../catalogue/match.ts";
import { EXIT, UserError } from "../../config/user-error.ts";
import { isJsonObject, type JsonObject } from "../../contracts/json.ts";
import { diskAlerts } from "../../lab/alerts.ts";
import type { Lab } from "../../lab/lab.ts";
import { writeLabFolder } from "../demo/lab-folder.ts";

/** Two people, because a quorum may want as many. */
export const PEOPLE = ["rehearsal-1", "rehearsal-2"] as const;

export interface Piece {
  catalogue: Catalogue;
  runbook: Runbook;
}

/** What the lab raises for a failing disk, under the name and with the labels that the runbook asks for. */
export function labelsFor({ runbook }: Piece): Record<string, string> {
  const [entry = {}] = runbook.spec.match;
  const texts = Object.entries(entry).filter((pair): pair is [string, string] => typeof pair[1] === "string");
  return Object.fromEntries(texts);
}

/** @throws UserError where what the lab raises does not match the runbook. */
export function requireMatch(piece: Piece, lab: Pick<Lab, "world">, host: string): void {
  const [alert] = diskAlerts(lab.world, lab.world.host(host), { labels: labelsFor(piece) });
  const { catalogue, runbook } = piece;
  if (alert !== undefined && runbooksFor({ ...catalogue, runbooks: [runbook] }, alert.labels).length === 1) return;
  throw new UserError(
    `${runbook.name} matches none of what the lab can raise: it fails disks of hosts, with the labels ` +
      `${JSON.stringify(alert?.labels ?? {})} and those texts that the first entry of \`match\` asks for`,
    { exitCode: EXIT.usage },
  );
}

/** Answers what the lab's own stood in for. */
export async function writeRehearsalFolder(
  piece: Piece,
  place: { folder: string; lab: Lab; timeScale: number },
): Promise<string[]> {
  const config = configOf(piece.catalogue);
  const standIns = ["probes", "slis"].flatMap((key) =>
    Object.keys(objectOf(config, key)).map((name) => `${key}.${name}`),
  );
  const runbooks = await mkdtemp(join(tmpdir(), "selfheal-rehearse-"));
  try {
    await writeFile(join(runbooks, "rehearsed.yaml"), stringify(writtenOf(piece)));
    await writeLabFolder({
      ...place,
      runbooks,
      standingFor: [...new Set([...place.lab.world.hosts.values()].map(({ group }) => group))],
      standingBy: PEOPLE[0],
      change: (lab) => ({
        ...lab,
        people: PEOPLE.map((name) => ({ name, roles: rolesOf(piece) })),
        approvals: { unsigned: "always", roles: rolesOf(piece) },
        values: objectOf(config, "values"),
        probes: { ...standInFor(objectOf(config, "probes"), lab.probes, "host.ready"), ...lab.probes },
        slis: { ...standInFor(objectOf(config, "slis"), lab.slis, "pool-availability"), ...lab.slis },
      }),
    });
  } finally {
    await rm(runbooks, { recursive: true, force: true });
  }
  return standIns;
}

function standInFor(theirs: JsonObject, ours: Record<string, unknown>, by: string): Record<string, unknown> {
  return Object.fromEntries(Object.keys(theirs).map((name) => [name, ours[name] ?? ours[by]]));
}

function rolesOf({ catalogue, runbook }: Piece): string[] {
  const roles = [...(runbook.spec.approval?.roles ?? []), ...catalogue.approvals.roles];
  return roles.length === 0 ? ["rehearsal"] : [...new Set(roles)];
}

function writtenOf({ catalogue: { content }, runbook: { name } }: Piece): JsonObject {
  const written = isContent(content)
    ? content.runbooks.find(
        ({ metadata }) => isJsonObject(metadata ?? null) && (metadata as JsonObject)["name"] === name,
      )
    : undefined;
  if (written === undefined) throw new Error(`the catalogue has no text of ${name}`);
  return written;
}

function configOf({ content }: Catalogue): JsonObject {
  return isContent(content) ? content.config : {};
}

function objectOf(config: JsonObject, key: string): JsonObject {
  const value = config[key] ?? null;
  return isJsonObject(value) ? value : {};
}
