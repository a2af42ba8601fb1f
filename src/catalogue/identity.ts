/** Identity rules: many names, one target. `web-1`, `web-1.example.net` and `10.0.0.1:9100` are one machine, one lock. */
import { isIPv6 } from "node:net";
import type { Target } from "../contracts/target.ts";

export interface Inventory {
  /** Lower case, without leading dot, longest first. */
  domains: readonly string[];
  targets: readonly Target[];
  /** By kind, then by normalised name or alias. */
  byName: ReadonlyMap<string, ReadonlyMap<string, Target>>;
  /** Members by `<kind> <group>`. */
  members: ReadonlyMap<string, number>;
  /** Targets by `<kind> <place>`, of the places of `placesOf`; without a kind, of all kinds. */
  sizes: ReadonlyMap<string, number>;
  /** By the scope of a target or place: what the targets there name in `dependsOn`. */
  dependsOn: ReadonlyMap<string, readonly string[]>;
  /** How many targets name a scope in `dependsOn`. */
  dependents: ReadonlyMap<string, number>;
}

export type Identified =
  | { target: Target; detail: string }
  | { target: null; code: "TARGET_EMPTY" | "TARGET_UNKNOWN" | "TARGET_AMBIGUOUS"; detail: string };

const MAX_NAME = 1_000;

/**
 * The one form of a name: lower case, without scheme, path, port, trailing dot and known domain; addresses in their
 * shortest form. Empty when nothing is left.
 */
export function normaliseName(text: string, domains: readonly string[]): string {
  if (text.length > MAX_NAME) return "";
  let name = text.trim().toLowerCase();
  name = name.replace(/^[a-z][a-z0-9+.-]*:\/\/(?:[^/@]*@)?([^/?#]*).*$/s, "$1");
  const bracketed = /^\[([^\]]*)\](?::\d*)?$/.exec(name);
  if (bracketed !== null) name = bracketed[1] ?? "";
  if (isIPv6(name)) return shortestIPv6(name);
  if (bracketed === null && name.indexOf(":") === name.lastIndexOf(":")) name = name.replace(/:\d*$/, "");
  name = name.replace(/\.+$/, "");
  const domain = domains.find((one) => name.endsWith(`.${one}`));
  return domain === undefined ? name : name.slice(0, -(domain.length + 1));
}

function shortestIPv6(address: string): string {
  const plain = address.replace(/%.*$/, "");
  const mapped = /^(?:0*:)*:?(?:0*:)*ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(plain);
  if (mapped !== null) return mapped[1] ?? plain;
  try {
    return new URL(`http://[${plain}]/`).hostname.slice(1, -1);
  } catch {
    return plain;
  }
}

export function normaliseDomains(domains: readonly string[]): string[] {
  const clean = domains.map((one) => one.toLowerCase().replace(/^\.+|\.+$/g, "")).filter((one) => one !== "");
  return [...new Set(clean)].sort((a, b) => b.length - a.length);
}

/**
 * The target that the labels in `from` name. The first label that is there decides; one after it that names another
 * known target makes the alert ambiguous, one that the inventory does not know (the address of an exporter's proxy)
 * does not matter.
 */
export function identify(
  inventory: Inventory,
  kind: string,
  labels: Record<string, string>,
  from: readonly string[],
): Identified {
  const names = from.flatMap((label) => {
    const value = Object.hasOwn(labels, label) ? labels[label] : undefined;
    const name = value === undefined ? "" : normaliseName(value, inventory.domains);
    return name === "" ? [] : [{ label, value, name }];
  });
  const [first, ...others] = names;
  if (first === undefined) {
    const detail = `none of the labels ${from.join(", ")} names a ${kind}: they are missing or empty`;
    return { target: null, code: "TARGET_EMPTY", detail };
  }
  const known = inventory.byName.get(kind);
  const target = known?.get(first.name);
  if (target === undefined) {
    const detail = `${first.label}=${JSON.stringify(first.value)} is no ${kind} of the inventory`;
    return { target: null, code: "TARGET_UNKNOWN", detail };
  }
  const other = others.find((one) => (known?.get(one.name) ?? target) !== target);
  if (other !== undefined) {
    const detail = `${first.label} names ${target.id}, but ${other.label}=${JSON.stringify(other.value)} names ${known?.get(other.name)?.id}`;
    return { target: null, code: "TARGET_AMBIGUOUS", detail };
  }
  return { target, detail: `${first.label}=${JSON.stringify(first.value)} is ${kind} ${target.id}` };
}
