/**
 * The namespace must know our search attributes before a workflow sets one: with an unknown one the workflow task fails
 * for ever, without a word to anybody (design §3 law 12). So every worker looks at start-up.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { isGrpcServiceError } from "@temporalio/client";
import { SEARCH_ATTRIBUTES } from "../contracts/attributes.ts";
import { EXIT, messageOf, UserError } from "../config/user-error.ts";

/** temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD */
const KEYWORD = 2;
/** google.rpc.Code */
const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;
const VISIBLE_WITHIN_MS = 30_000;
const POLL_MS = 100;

type OperatorService = {
  listSearchAttributes(request: { namespace: string }): Promise<{ customAttributes: Record<string, unknown> }>;
  addSearchAttributes(request: { namespace: string; searchAttributes: Record<string, number> }): Promise<unknown>;
};
type WorkflowService = {
  countWorkflowExecutions(request: { namespace: string; query: string }): Promise<unknown>;
};
/** A worker's or a client's connection. */
export interface OperatorConnection {
  operatorService: OperatorService;
  workflowService: WorkflowService;
}

export interface EnsureOptions {
  connection: OperatorConnection;
  namespace: string;
  /** Add the missing ones (dev, demo, tests). Production says what to run instead. */
  mayAdd: boolean;
}

export async function ensureSearchAttributes(options: EnsureOptions): Promise<void> {
  const wrong = await faults(options);
  if (wrong.mistyped.length > 0) throw mistyped(wrong.mistyped, options.namespace);
  if (wrong.missing.length === 0) return;
  if (!options.mayAdd) throw missing(wrong.missing, options.namespace);
  try {
    await options.connection.operatorService.addSearchAttributes({
      namespace: options.namespace,
      searchAttributes: Object.fromEntries(wrong.missing.map((name) => [name, KEYWORD])),
    });
  } catch (error) {
    // Another worker may have been first; the look below decides.
    if (!isGrpcServiceError(error)) throw error;
  }
  await untilVisible(options);
}

async function faults(options: EnsureOptions): Promise<{ missing: string[]; mistyped: string[] }> {
  const { customAttributes } = await options.connection.operatorService
    .listSearchAttributes({ namespace: options.namespace })
    .catch((error: unknown) => {
      throw unreadable(options.namespace, error);
    });
  return {
    missing: SEARCH_ATTRIBUTES.filter((name) => customAttributes[name] === undefined),
    mistyped: SEARCH_ATTRIBUTES.filter((name) => ![undefined, KEYWORD].includes(customAttributes[name] as number)),
  };
}

async function untilVisible(options: EnsureOptions): Promise<void> {
  const deadline = performance.now() + VISIBLE_WITHIN_MS;
  for (;;) {
    const wrong = await faults(options);
    if (wrong.missing.length === 0 && (await isInUse(options))) return;
    if (performance.now() > deadline) {
      throw missing(wrong.missing.length > 0 ? wrong.missing : SEARCH_ATTRIBUTES, options.namespace);
    }
    await sleep(POLL_MS);
  }
}

/**
 * A server on PostgreSQL lists new attributes at once, but refuses workflows that carry them until it has read its
 * namespaces again, some seconds later. A query goes by the same copy of the namespace.
 */
async function isInUse({ connection, namespace }: EnsureOptions): Promise<boolean> {
  const query = SEARCH_ATTRIBUTES.map((name) => `${name} = 'none'`).join(" and ");
  try {
    await connection.workflowService.countWorkflowExecutions({ namespace, query });
    return true;
  } catch (error) {
    if (isGrpcServiceError(error) && Number(error.code) === INVALID_ARGUMENT) return false;
    throw unreadable(namespace, error);
  }
}

function unreadable(namespace: string, error: unknown): UserError {
  if (isGrpcServiceError(error) && Number(error.code) === NOT_FOUND) {
    return new UserError(
      `Temporal knows no namespace ${namespace}: correct TEMPORAL_NAMESPACE, or make it with ` +
        `\`temporal operator namespace create --namespace ${namespace}\``,
      { cause: error, exitCode: EXIT.unavailable },
    );
  }
  return new UserError(
    `cannot read the search attributes of namespace ${namespace}: ${messageOf(error)}. Without them a workflow would hang`,
    { cause: error, exitCode: EXIT.unavailable },
  );
}

function missing(names: readonly string[], namespace: string): UserError {
  const flags = names.map((name) => `--name ${name} --type Keyword`).join(" ");
  return new UserError(
    `namespace ${namespace} does not know the search attributes ${names.join(", ")}; run: ` +
      `temporal operator search-attribute create --namespace ${namespace} ${flags}`,
    { exitCode: EXIT.unavailable },
  );
}

function mistyped(names: readonly string[], namespace: string): UserError {
  return new UserError(
    `the search attributes ${names.join(", ")} of namespace ${namespace} are not of type Keyword; remove them with ` +
      "`temporal operator search-attribute remove` and create them as Keyword",
    { exitCode: EXIT.unavailable },
  );
}
