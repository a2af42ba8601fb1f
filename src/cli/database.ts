/** The record's database for a command that needs it for a moment: one that was named, or that of a running `selfheal dev`. */
import { join } from "node:path";
import { Option, type Command } from "commander";
import type { Env } from "../config/env.ts";
import { EXIT, UserError } from "../config/user-error.ts";
import { actingAs, throughWay } from "../record/actor.ts";
import type { RecordStore } from "../record/api.ts";
import { defaultStateFolder, runningEmbedded } from "../record/embedded.ts";
import { openRecord } from "../record/record.ts";
import { databaseOption } from "./options.ts";
import { note } from "./output.ts";

export interface DatabasePlace {
  dbUrl?: string;
  state?: string;
}

export function withDatabase(command: Command): Command {
  const state = new Option("--state <folder>", "use the database of the `selfheal dev` that runs on this state folder");
  return command.addOption(databaseOption()).addOption(state.conflicts("dbUrl"));
}

/**
 * Connection string with its password: never print it. An option wins over DATABASE_URL; without any of them it is the
 * database of the `selfheal dev` that runs on the default folder, and a line on stderr says so.
 */
export async function findDatabase({ dbUrl, state }: DatabasePlace, env: Env): Promise<string> {
  if (state !== undefined) return ownDatabase(state);
  const given = dbUrl ?? env.DATABASE_URL;
  if (given !== undefined) return given;
  const folder = stateFolderOf(env);
  const found = await seek(folder);
  if (found === null) {
    throw new UserError(
      "no database: set DATABASE_URL=postgres://USER:PASSWORD@HOST/DATABASE; for that of a running `selfheal dev` say " +
        `--state FOLDER, its state folder (none that this user may use runs on ${folder})`,
      { exitCode: EXIT.usage },
    );
  }
  note(`using the database of the \`selfheal dev\` that runs on ${folder}`);
  return found;
}

async function ownDatabase(folder: string): Promise<string> {
  const found = await seek(folder);
  if (found !== null) return found;
  throw new UserError(`--state ${folder}: no \`selfheal dev\` with a database that this user may use runs on it`, {
    exitCode: EXIT.unavailable,
  });
}

/** Works on the record itself, in the name of whoever may write its database, and not through the API. */
export async function onRecord<T>(
  { url, program }: { url: string; program: string },
  work: (record: RecordStore) => Promise<T>,
): Promise<T> {
  const record = await openRecord(url, { applicationName: program });
  try {
    return await throughWay("cli", () => actingAs("database", () => work(record)));
  } finally {
    await record.end();
  }
}

/** Where `selfheal dev` keeps its data when nobody names a folder. */
export function stateFolderOf({ SELFHEAL_STATE, XDG_STATE_HOME }: Env): string {
  return SELFHEAL_STATE ?? defaultStateFolder(XDG_STATE_HOME);
}

const seek = (folder: string): Promise<string | null> => runningEmbedded(join(folder, "postgres"));
