import { inspect } from "node:util";

/** A resolved secret that never prints: not in logs, JSON, templates or inspection. Only `reveal` gives it out. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    if (value === "") throw new Error("a secret must not be empty: is the variable or file it comes from filled in?");
    this.#value = value;
  }

  /** The text itself. Call it only where the request is made. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }

  [inspect.custom](): string {
    return "[secret]";
  }
}

/**
 * Replaces every secret in `text`: as it is, percent-encoded, and in the base64 of a basic authorization; also
 * whatever stands as user and password in a URL.
 */
export function redact(text: string, secrets: readonly Secret[]): string {
  let clean = text;
  const values = secrets.map((secret) => secret.reveal()).sort((a, b) => b.length - a.length);
  for (const value of values) {
    for (const form of new Set([value, encodeURIComponent(value), Buffer.from(value).toString("base64")])) {
      clean = clean.replaceAll(form, "[secret]");
    }
  }
  return clean.replace(/\/\/[^/@\s]+@/g, "//[secret]@");
}
