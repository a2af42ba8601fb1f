/** The types of what expressions may read: fields of the target and the alert, measurements, values, results. */
import type { z } from "zod";
import { isJsonObject, type Json, type JsonObject } from "../contracts/json.ts";
import type { Type, TypeAt } from "./expression-type.ts";
import { definition } from "./issues.ts";

const FIXED: Record<string, Type> = {
  ...{ "alert.severity": "text", "alert.source": "text", "alert.labels": "mapping" },
  ...{ "target.kind": "text", "target.id": "text", "target.owner": "text", "target.group": "text" },
  ...{ "target.services": "list", "target.labels": "mapping", "target.stateless": "boolean" },
  ...{ "facts.groupSize": "number" },
};
const MEASURED: Record<string, Type> = {
  ...{ value: "number", ageMs: "number", status: "number", latencyMs: "number" },
  ...{ connected: "boolean", bodyMatches: "boolean", failure: "text" },
};

/** A measurement that was not made is null, whatever its type. */
export const measuredType: TypeAt = ([name = "", ...rest]) =>
  rest.length === 0 && Object.hasOwn(MEASURED, name) ? (MEASURED[name] ?? null) : null;

/** `collected`: output schemas by id. */
export function rootTypes(
  values: JsonObject | undefined,
  collected: Readonly<Record<string, z.ZodType | null>>,
): TypeAt {
  return (path) => {
    const [root, id = "", ...rest] = path;
    if (root === "config") return typeOfJson(valueAt(values, path.slice(1)));
    if (root === "collected") return Object.hasOwn(collected, id) ? schemaType(collected[id], rest) : null;
    if ((root === "alert" || root === "target") && id === "labels" && rest.length === 1) return "text";
    const name = path.join(".");
    return Object.hasOwn(FIXED, name) ? (FIXED[name] ?? null) : null;
  };
}

function valueAt(value: Json | undefined, path: readonly string[]): Json | undefined {
  if (path.length === 0) return value;
  const [key = "", ...rest] = path;
  return isJsonObject(value) && Object.hasOwn(value, key) ? valueAt(value[key], rest) : undefined;
}

function typeOfJson(value: Json | undefined): Type {
  if (value === undefined || value === null) return null;
  if (Array.isArray(value)) return "list";
  if (typeof value === "object") return "mapping";
  return typeof value === "string" ? "text" : (typeof value as "number" | "boolean");
}

const OF_SCHEMA: Record<string, Type> = {
  ...{ string: "text", enum: "text", number: "number", int: "number", boolean: "boolean" },
  ...{ array: "list", object: "mapping", record: "mapping" },
};

/** What a field of a schema takes or gives; null when it may be more than one thing. */
export function schemaType(schema: z.ZodType | null | undefined, path: readonly string[]): Type {
  const found = schema === null || schema === undefined ? undefined : definition(schema);
  if (found === undefined) return null;
  const [key, ...rest] = path;
  if (key === undefined) return OF_SCHEMA[found.type] ?? null;
  return schemaType(found.shape !== undefined && Object.hasOwn(found.shape, key) ? found.shape[key] : null, rest);
}
