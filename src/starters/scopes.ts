/** Scopes as people write them. A pause of a name that nothing has would stop nothing, and nobody would notice. */
import { indexOf, parseInventory } from "../catalogue/inventory.ts";
import { isJsonObject, type Json, type JsonObject } from "../contracts/json.ts";
import { GLOBAL_SCOPE, scopesIn } from "../contracts/scopes.ts";
import type { RecordStore } from "../record/api.ts";
import { clipValue, type ProblemError, throughRecord, wrongField } from "./problems.ts";

const FORM = /^(group|rack|region|service|runbook|target):\S+$/;
const HELP =
  "global, group:NAME, rack:NAME, region:NAME, service:NAME, runbook:NAME, runbook:NAME@GROUP or target:KIND:ID";
const SHOWN = 12;

/** Throws a ProblemError when the active catalogue has nothing of this scope. Without a catalogue only the form counts. */
export async function checkScope(
  record: Pick<RecordStore, "activeVersion" | "catalogue">,
  scope: string,
): Promise<void> {
  if (scope === GLOBAL_SCOPE) return;
  if (!FORM.test(scope)) throw wrong(scope, HELP);
  const known = await throughRecord("read the active catalogue", () => activeScopes(record));
  if (known === null) return;
  if (known.has(scope)) return;
  const kind = `${scope.slice(0, scope.indexOf(":"))}:`;
  const alike = [...known].filter((one) => one.startsWith(kind)).sort();
  const more = alike.length > SHOWN ? `, and ${alike.length - SHOWN} more` : "";
  throw wrong(
    scope,
    alike.length === 0 ? HELP : `one that the catalogue has: ${alike.slice(0, SHOWN).join(", ")}${more}`,
  );
}

type Catalogues = Pick<RecordStore, "activeVersion" | "catalogue">;

/** Of the version that was asked for last: a version never changes, and reading one may be megabytes. */
const kept = new WeakMap<Catalogues, { version: string; scopes: Set<string> }>();

async function activeScopes(record: Catalogues): Promise<Set<string> | null> {
  const version = await record.activeVersion();
  if (version === null) return null;
  const known = kept.get(record);
  if (known?.version === version) return known.scopes;
  const content = await record.catalogue(version);
  if (content === null) return null;
  const scopes = scopesOf(content);
  if (scopes === null) return null;
  kept.set(record, { version, scopes });
  return scopes;
}

function wrong(scope: string, wouldBeRight: string): ProblemError {
  return wrongField("scope", clipValue(scope), wouldBeRight);
}

/** null: this program cannot read the inventory of that version. */
function scopesOf(content: Json): Set<string> | null {
  const { config, inventory, runbooks } = isJsonObject(content) ? content : {};
  const groups = Object.keys(objectOf(objectOf(config)["groups"]));
  const names = listOf(runbooks).map((one) => textOf(objectOf(one["metadata"])["name"]));
  const document = objectOf(inventory);
  const parsed = parseInventory(document);
  if (!parsed.success) return null;
  const { targets } = indexOf(document, parsed.data, {}).inventory;
  return scopesIn(groups, names, targets);
}

function objectOf(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function listOf(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}
