/** `selfheal token create|list|revoke`: who may ask the API for what. The first one is made straight on the record. */
import { Command, InvalidArgumentError, Option } from "commander";
import { DURATION_HELP, parseDuration } from "../catalogue/duration.ts";
import { readEnv } from "../config/env.ts";
import { UserError } from "../config/user-error.ts";
import { ROLES, type Role } from "../contracts/roles.ts";
import { plain } from "../contracts/text.ts";
import type { ApiToken } from "../record/api-identity.ts";
import type { RecordStore } from "../record/api.ts";
import { ProblemError } from "../starters/problems.ts";
import { createToken, listTokens, revokeToken, type CreateAnswer } from "../starters/tokens.ts";
import { findDatabase, onRecord, withDatabase, type DatabasePlace } from "./database.ts";
import { withExamples } from "./options.ts";
import { printResult, table } from "./output.ts";
import { callApi } from "./remediation-api.ts";
import { apiCommand, contextOf, type Context, type RemediationCommandOptions } from "./remediation-context.ts";
import { ago } from "./remediation-text.ts";

const PATH = "/tokens";
const DEFAULT_FOR = "90d";

export function tokenCommand(options: RemediationCommandOptions = {}): Command {
  const context = contextOf(options);
  return new Command("token")
    .description("tokens of the API: for people and programs, each with roles and an end")
    .addCommand(createCommand(context))
    .addCommand(listCommand(context))
    .addCommand(revokeCommand(context));
}

interface Place extends DatabasePlace {
  record?: true;
}

function placed(name: string, description: string): Command {
  return withDatabase(
    apiCommand(name, description).option(
      "--record",
      "straight on the record (DATABASE_URL): for the first token, and when the API lets nobody in",
    ),
  );
}

/** The API, or the record itself, in the name of whoever may write the database. */
function through<T>(
  context: Context,
  command: Command,
  { api, record }: { api: (context: Context) => Promise<T>; record: (record: RecordStore) => Promise<T> },
): Promise<T> {
  const place = command.opts<Place>();
  return place.record === true ? straight(place, record) : api(context);
}

async function straight<T>(place: Place, work: (record: RecordStore) => Promise<T>): Promise<T> {
  try {
    return await onRecord({ url: await findDatabase(place, readEnv()), program: "selfheal token" }, work);
  } catch (error) {
    throw error instanceof ProblemError ? new UserError(error.message) : error;
  }
}

interface CreateOptions {
  role: Role[];
  group?: string[];
  for: number;
  subject?: string;
  by?: string;
}

function createCommand(context: Context): Command {
  const roles = new Option("--role <role>", "may be given several times").choices(ROLES).makeOptionMandatory();
  const command = placed("create", "make a token; it is printed once, and kept nowhere")
    .argument("<name>", "what the token is called")
    .addOption(roles.argParser(oneOfRoles))
    .option("--group <name>", "sees and acts on this group only; may be given several times; default all", collect)
    .option("--for <duration>", `how long: ${DURATION_HELP}; at most a year`, duration, duration(DEFAULT_FOR))
    .option("--subject <who>", "whom it speaks for, as `people` of selfheal.yaml has it; default its name")
    .option("--by <name>", "who makes it; default the owner of your token, else your user name");
  command.action(async (name: string, given: CreateOptions) => {
    const { role, group = null, subject = null, for: forMs } = given;
    const by = given.by ?? context.by();
    const wish = { name, subject, roles: role, groups: group, forMs };
    const made = await through<CreateAnswer>(context, command, {
      api: () => callApi<CreateAnswer>(context.options(command), PATH, { ...wish, by }),
      record: (record) => createToken({ record }, { ...wish, by: by ?? context.outside.user() }),
    });
    printResult(command, made, () => `${plain(describe(made))}; it is shown this once:\n${made.secret}`);
  });
  return withExamples(command, [
    ["selfheal token create root --role admin --record", "the first one, with DATABASE_URL"],
    ["selfheal token create ci --role operator --group web --for 30d", "a program, for one group"],
    ["selfheal token create anna-2 --subject anna --role approver", "the next one, before the old one ends"],
  ]);
}

function oneOfRoles(text: string, before: unknown): Role[] {
  const role = ROLES.find((one) => one === text);
  if (role === undefined) throw new InvalidArgumentError(`Right would be ${ROLES.join(", ")}.`);
  return [...(Array.isArray(before) ? (before as Role[]) : []), role];
}

function collect(text: string, before: string[] = []): string[] {
  return [...before, text];
}

function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === null) throw new InvalidArgumentError(`${DURATION_HELP}.`);
  return ms;
}

function describe({ name, subject, roles, groups, expiresAt }: ApiToken): string {
  const where = groups === null ? "" : ` in ${groups.join(", ")} only`;
  return `token ${name} of ${subject}: ${roles.join(", ")}${where}, until ${expiresAt}`;
}

function listCommand(context: Context): Command {
  const command = placed("list", "newest first, also those that count no more");
  command.action(async () => {
    const { tokens } = await through<{ tokens: ApiToken[] }>(context, command, {
      api: () => callApi(context.options(command), PATH),
      record: async (record) => ({ tokens: await listTokens({ record }) }),
    });
    printResult(command, tokens, () => tokensText(tokens, context.outside.now()));
  });
  return withExamples(command, [["selfheal token list", "whose, with which roles, when last used"]]);
}

export function tokensText(tokens: readonly ApiToken[], now: number): string {
  if (tokens.length === 0) return "no token was ever made";
  const rows = tokens.map((one) =>
    [
      one.name,
      one.subject,
      one.state === "inForce" ? "in force" : one.state,
      one.roles.join(", "),
      one.groups?.join(", ") ?? "all",
      one.expiresAt,
      one.lastUsedAt === null ? "never" : `${ago(one.lastUsedAt, now)} ago`,
      one.id,
    ].map(plain),
  );
  return table(["NAME", "SUBJECT", "STATE", "ROLES", "GROUPS", "UNTIL", "LAST USED", "ID"], rows);
}

function revokeCommand(context: Context): Command {
  const command = placed("revoke", "end a token: the next request with it is refused")
    .argument("<which>", "its name or id")
    .option("--by <name>", "who says so; default the owner of your token, else your user name");
  command.action(async (which: string, given: { by?: string }) => {
    const by = given.by ?? context.by();
    const revoked = await through<ApiToken>(context, command, {
      api: () => callApi(context.options(command), `${PATH}/revoke`, { which, by }),
      record: (record) => revokeToken({ record }, which, by ?? context.outside.user()),
    });
    printResult(command, revoked, () => plain(`revoked: token ${revoked.name} of ${revoked.subject}`));
  });
  return withExamples(command, [["selfheal token revoke ci", "the one of this name that is in force"]]);
}
