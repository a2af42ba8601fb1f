/** JSON Schema of the kinds of file, for editors: completion and errors while somebody writes. */
import { z } from "zod";
import { isJsonObject, type Json, type JsonObject } from "../contracts/json.ts";
import type { AnyAction } from "../ports/action.ts";
import type { Actions } from "./catalogue.ts";
import { connectionsSchema } from "./connections.ts";
import { DURATION_HELP, DURATION_PATTERN } from "./duration.ts";
import { configSchema } from "./grammar/config.ts";
import { inventorySchema } from "./grammar/inventory.ts";
import { slosSchema } from "./grammar/slos.ts";
import { runbookSchema } from "./grammar/runbook.ts";
import { runbookTestSchema } from "./grammar/runbook-test.ts";
import { isDuration } from "./inputs.ts";
import { shapeOf } from "./issues.ts";
import { PROBE_KINDS } from "./probe-kinds.ts";

export const KINDS = ["runbook", "runbook-test", "config", "inventory", "slos"] as const;
export type Kind = (typeof KINDS)[number];

export function jsonSchema(kind: Kind, actions: Actions): JsonObject {
  if (kind === "inventory") return toSchema(inventorySchema);
  if (kind === "slos") return toSchema(slosSchema(1));
  if (kind === "runbook-test") return toSchema(runbookTestSchema(1));
  if (kind === "config") return withConnections(toSchema(configSchema(1)));
  return withActions(toSchema(runbookSchema(1)), actions);
}

function toSchema(schema: z.ZodType): JsonObject {
  const made = z.toJSONSchema(schema, { io: "input", unrepresentable: "any", override: secretsAsReferences });
  return JSON.parse(JSON.stringify(made)) as JsonObject;
}

/** A secret is an object inside this program; in a file it is a reference. */
function secretsAsReferences({
  zodSchema,
  jsonSchema: made,
}: {
  zodSchema: z.core.$ZodTypes;
  jsonSchema: z.core.JSONSchema.BaseSchema;
}): void {
  if (zodSchema._zod.def.type !== "custom") return;
  made.type = "string";
  made.pattern = "^(env|file):.+";
  made.description ??= "a reference to a secret: env:NAME or file:PATH";
}

function withConnections(config: JsonObject): JsonObject {
  const connections = toSchema(connectionsSchema);
  delete connections["$schema"];
  const properties = objectAt(config, "properties");
  return { ...config, properties: { ...properties, connections } };
}

function objectAt(schema: JsonObject, ...path: string[]): JsonObject {
  let found: Json | undefined = schema;
  for (const key of path) found = isJsonObject(found) ? found[key] : undefined;
  return isJsonObject(found) ? found : {};
}

/** Steps, evidence and the probe know what each action and each kind of probe takes. */
function withActions(runbook: JsonObject, actions: Actions): JsonObject {
  const rung = objectAt(runbook, "properties", "ladder", "items");
  const steps = objectAt(rung, "properties", "steps");
  const collect = objectAt(runbook, "properties", "collect", "items");
  const probe = objectAt(runbook, "properties", "probe");
  const all = Object.values(actions);
  Object.assign(objectAt(steps, "items"), usesOf(all.map(describeAction), objectAt(steps, "items")));
  Object.assign(collect, usesOf(all.filter(({ risk }) => risk === "read").map(describeAction), collect));
  const kinds = Object.entries(PROBE_KINDS).map(([name, kind]) => ({ name, summary: name, input: kind.input }));
  Object.assign(probe, usesOf(kinds, probe));
  return runbook;
}

interface Use {
  name: string;
  summary: string;
  input: z.ZodType;
}

function describeAction({ name, summary, risk, input }: AnyAction): Use {
  return { name, summary: `${summary} Risk: ${risk}.`, input };
}

function usesOf(uses: readonly Use[], schema: JsonObject): JsonObject {
  const choice = uses.map(({ name, summary }) => ({ const: name, description: summary }));
  const when = uses.map(({ name, input }) => ({
    if: { properties: { uses: { const: name } }, required: ["uses"] },
    then: { properties: { with: inputSchema(input) } },
  }));
  const properties = { ...objectAt(schema, "properties"), uses: { oneOf: choice } };
  return { properties, allOf: when };
}

/** As it is written: durations as text, and a template wherever a value may stand. */
function inputSchema(input: z.ZodType): JsonObject {
  const made = toSchema(input);
  const shape = shapeOf(input);
  const properties = Object.entries(objectAt(made, "properties")).map(([key, value]) => {
    if (!isDuration(key, shape[key])) return [key, orTemplate(value)] as const;
    const duration = { type: "string", pattern: DURATION_PATTERN.source, description: DURATION_HELP };
    return [key.replace(/Ms$/, ""), orTemplate(duration)] as const;
  });
  const required = Array.isArray(made["required"])
    ? made["required"].flatMap((key) => (typeof key === "string" ? [key.replace(/Ms$/, "")] : []))
    : [];
  return { type: "object", properties: Object.fromEntries(properties), required, additionalProperties: false };
}

function orTemplate(value: Json): JsonObject {
  const description = isJsonObject(value) ? value["description"] : undefined;
  const either = { anyOf: [value, { type: "string", pattern: "\\$\\{\\{.*\\}\\}" }] };
  return description === undefined ? either : { ...either, description };
}
