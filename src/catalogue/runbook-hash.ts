import { isJsonObject, type Json, type JsonObject } from "../contracts/json.ts";
import type { AnyAction } from "../ports/action.ts";
import { hashOf } from "./canonical.ts";
import { pathsIn } from "./expression.ts";
import { templatesIn, textsIn } from "./template.ts";

/**
 * The version of a runbook, as 64 hex digits: what it says, the named probes, SLI and values of selfheal.yaml that it
 * uses, and the versions of its actions. A change in any of them may change what a plan does, so it ends every
 * standing approval. Comments, the order of keys, the review date, what it saves and how far it is rolled out do not
 * count.
 */
export function runbookHash(raw: JsonObject, config: JsonObject, actions: Readonly<Record<string, AnyAction>>): string {
  const metadata = isJsonObject(raw["metadata"]) ? { ...raw["metadata"] } : {};
  delete metadata["reviewBy"];
  delete metadata["savesMinutes"];
  const limits = isJsonObject(raw["limits"]) ? { ...raw["limits"] } : null;
  delete limits?.["rollout"];
  const steps = stepsOf(raw);
  const uses = [...steps, ...listOf(raw["collect"])].map((step) => textOf(step["uses"]));
  const versions = Object.fromEntries(uses.map((name) => [name, actions[name]?.version ?? null]));
  const harm = isJsonObject(raw["harm"]) ? raw["harm"] : {};
  return hashOf({
    runbook: { ...raw, metadata, ...(limits === null ? {} : { limits }) },
    actions: versions,
    probes: pick(config["probes"], alsoOf(raw)),
    slis: pick(config["slis"], [textOf(harm["sli"])]),
    values: pick(config["values"], valuesUsed(raw, config)),
  });
}

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

function listOf(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function stepsOf(raw: JsonObject): JsonObject[] {
  return listOf(raw["ladder"]).flatMap((rung) => listOf(rung["steps"]));
}

function alsoOf(raw: JsonObject): string[] {
  return listOf(raw["ladder"]).flatMap((rung) => {
    const also = isJsonObject(rung["verify"]) ? rung["verify"]["also"] : [];
    return Array.isArray(also) ? also.map(textOf) : [];
  });
}

/** Values whose name appears behind `config` anywhere, all of them where a name is calculated: rather one too many. */
function valuesUsed(raw: JsonObject, config: JsonObject): string[] {
  const written = [raw, config["probes"] ?? null, config["slis"] ?? null];
  const text = JSON.stringify(written);
  const values = isJsonObject(config["values"]) ? Object.keys(config["values"]) : [];
  if (!text.includes("config")) return [];
  const expressions = [textOf(raw["require"]), ...textsIn(written).flatMap(templatesIn)];
  const isCalculated = expressions.flatMap(pathsIn).some(([root, name]) => root === "config" && name === undefined);
  return isCalculated ? values : values.filter((name) => text.includes(name));
}

function pick(from: Json | undefined, names: readonly string[]): JsonObject {
  const all = isJsonObject(from) ? from : {};
  return Object.fromEntries(names.flatMap((name) => (Object.hasOwn(all, name) ? [[name, all[name] ?? null]] : [])));
}
