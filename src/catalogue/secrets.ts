/**
 * References to secrets: `env:NAME` and `file:PATH`, allowed under `connections` and `sources`. The catalogue, and so
 * the database, only ever holds references; they are resolved where the connections are built.
 */
import { createHash } from "node:crypto";
import { isJsonObject, type Json, type JsonObject } from "../contracts/json.ts";
import { Secret } from "../ports/secret.ts";
import type { PathPart, Problem } from "./problems.ts";
import { formatPath } from "./problems.ts";
import type { YamlSource } from "./yaml-source.ts";

export interface SecretSource {
  env: Readonly<Record<string, string | undefined>>;
  /** The text of a file; throws when it cannot be read. */
  readFile(path: string): string;
}

export type WithSecrets = Secret | Json | WithSecrets[] | { [key: string]: WithSecrets };

export interface MissingSecret {
  path: PathPart[];
  message: string;
  wouldBeRight: string;
}

const REFERENCE = /^(env|file):(.*)$/s;

export function isReference(value: Json | undefined): value is string {
  return typeof value === "string" && REFERENCE.test(value);
}

/** The value with a `Secret` for each reference, and those that lead to nothing. Never shows a value. */
export function resolveSecrets(
  value: Json,
  source: SecretSource,
  base: readonly PathPart[] = [],
): { value: WithSecrets; missing: MissingSecret[] } {
  const missing: MissingSecret[] = [];
  const resolved = walk(value, [...base], (reference, path) => {
    const found = lookUp(reference, source);
    if (found instanceof Secret) return found;
    missing.push({ path, ...found });
    return null;
  });
  return { value: resolved, missing };
}

/** Another text when a secret that is referred to has changed, or leads to nothing any more. Tells nothing of it. */
export function secretsStamp(value: Json, source: SecretSource): string {
  const hash = createHash("sha256");
  walk(value, [], (reference) => {
    const found = lookUp(reference, source);
    hash.update(JSON.stringify(found instanceof Secret ? [reference, found.reveal()] : [reference]));
    return null;
  });
  return hash.digest("hex");
}

/** For checks of the shape alone: every reference becomes some secret. */
export function standIns(value: Json): WithSecrets {
  return walk(value, [], () => new Secret("stand-in"));
}

function walk(
  value: Json,
  path: PathPart[],
  resolve: (reference: string, path: PathPart[]) => WithSecrets,
): WithSecrets {
  if (isReference(value)) return resolve(value, path);
  if (Array.isArray(value)) return value.map((item, index) => walk(item, [...path, index], resolve));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(item, [...path, key], resolve)]));
}

function lookUp(reference: string, source: SecretSource): Secret | { message: string; wouldBeRight: string } {
  const [, kind, name = ""] = REFERENCE.exec(reference) ?? [];
  if (kind === "env") {
    const value = variable(source, name);
    if (value !== undefined && value !== "") return new Secret(value);
    // As everywhere with containers: NAME_FILE names a file that holds the value.
    const file = variable(source, `${name}_FILE`);
    if (file !== undefined && file !== "") return readSecret(file, source);
    const what = value === "" ? "is empty" : "is not set";
    return {
      message: `the environment variable ${name || "without a name"} ${what}`,
      wouldBeRight: `set ${name || "it"}`,
    };
  }
  return readSecret(name, source);
}

function variable(source: SecretSource, name: string): string | undefined {
  return Object.hasOwn(source.env, name) ? source.env[name] : undefined;
}

function readSecret(name: string, source: SecretSource): Secret | { message: string; wouldBeRight: string } {
  try {
    const text = source.readFile(name).replace(/\r?\n$/, "");
    if (text !== "") return new Secret(text);
    return { message: `the file ${name} is empty`, wouldBeRight: "the secret as its only line" };
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    return {
      message: `the file ${name} cannot be read${typeof code === "string" ? ` (${code})` : ""}`,
      wouldBeRight: "a file that this user may read",
    };
  }
}

const SECRET_KEY = /token|passw|secret|api-?key|credential|hmac/i;

/** Secrets that somebody wrote out: they would end up in the database. */
export function writtenOutSecrets(source: YamlSource, value: JsonObject, base: readonly PathPart[]): Problem[] {
  return Object.entries(value).flatMap(([key, item]) => {
    const path = [...base, key];
    if (isJsonObject(item)) return writtenOutSecrets(source, item, path);
    if (Array.isArray(item))
      return item.flatMap((one) => (isJsonObject(one) ? writtenOutSecrets(source, one, path) : []));
    if (typeof item !== "string" || isReference(item)) return [];
    const wouldBeRight = "env:NAME or file:PATH";
    if (SECRET_KEY.test(key)) {
      return [
        source.problem(path, "value", {
          message: "a secret is written out, and the catalogue is stored",
          wouldBeRight,
        }),
      ];
    }
    if (/\/\/[^/@\s]+:[^/@\s]*@/.test(item)) {
      return [
        source.problem(path, "value", {
          message: "the URL holds a password, and the catalogue is stored",
          wouldBeRight: "a URL without user and password",
        }),
      ];
    }
    return [];
  });
}

/** What stops a start: one line for each, with the place where the reference stands when the file is at hand. */
export function missingToProblems(missing: readonly MissingSecret[], source: YamlSource | null): Problem[] {
  return missing.map(({ path, message, wouldBeRight }) => {
    if (source !== null) return source.problem(path, "value", { message, wouldBeRight });
    const place = { file: "selfheal.yaml", line: 0, col: 0, path: formatPath(path) };
    return { ...place, message, value: null, wouldBeRight, severity: "error" };
  });
}
