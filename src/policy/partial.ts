/**
 * The guardrails over facts of which some were not read: each says its real result, or which facts it would need. The same
 * functions run; a fact that was not read cannot be used without being noticed, so nothing is made up for it. What was not
 * read is taken to be readable.
 */
import type { CountedFacts, DecisionFacts } from "../contracts/facts.ts";
import type { Json } from "../contracts/json.ts";
import type { Plan } from "../contracts/plan.ts";
import type { GuardrailResult } from "../contracts/verdict.ts";
import type { Guardrail } from "./guardrail.ts";
import { GUARDRAILS } from "./guardrails/index.ts";
import { resultsOf } from "./verdict.ts";

/** `needs`: names of the facts that were not read. */
export type PartialResult = GuardrailResult | { guardrail: string; outcome: "notRead"; needs: string[] };

/** What the record counts, in the words of people. */
const COUNTED: Record<keyof CountedFacts, string> = {
  lastActedAt: "last fix of this target",
  attempts: "attempts on this target",
  rateUsed: "use of the rate",
  rateSince: "use of the rate",
  held: "leases",
  leftOut: "targets left out of service",
  openElsewhere: "open remediations",
  standing: "standing approvals",
  approvedBy: "approvals",
  pauses: "pauses",
  shared: "counts over all runbooks",
  surroundings: "windows, holds, silences and work around the target",
};

/** null stands for what was not read. */
export type PartialFacts = Omit<DecisionFacts, "reading" | "now" | "requirement"> & {
  now: string | null;
  reading: DecisionFacts["reading"] | null;
  requirement: DecisionFacts["requirement"] | null;
};

export function decidePartly(
  plan: Plan,
  facts: PartialFacts,
  guardrails: readonly Guardrail[] = GUARDRAILS,
): PartialResult[] {
  return guardrails.map((guardrail) => evaluate(guardrail, plan, facts));
}

function evaluate(guardrail: Guardrail, plan: Plan, facts: PartialFacts): PartialResult {
  const { now, reading, counted, requirement } = facts;
  const unread = new Unread();
  const seen: DecisionFacts = {
    ...facts,
    now: now ?? unread.value("the time"),
    reading: reading ?? unread.value("the probe"),
    counted: counted ?? unread.facts<CountedFacts>(COUNTED),
    collected: facts.collected ?? unread.value("the evidence"),
    requirement: requirement ?? unread.value("the evidence"),
  };
  const [result] = resultsOf(plan, seen, [guardrail]);
  if (result === undefined) throw new Error(`${guardrail.name} gave no result`);
  if (!unread.wasUsedIn(result)) return result;
  return { guardrail: guardrail.name, outcome: "notRead", needs: unread.names() };
}

/** Stand-ins for facts: they can be passed on and compared with null, and throw as soon as something looks into them. */
class Unread {
  private readonly used = new Set<string>();
  private readonly handed = new Set<string>();
  private readonly standIns = new WeakMap<object, string>();

  value<T>(name: string): T {
    const use = (): never => {
      this.used.add(name);
      throw new Error(`${name} was not read`);
    };
    this.handed.add(name);
    const standIn = new Proxy({}, { get: use, has: use, ownKeys: use, getPrototypeOf: use, apply: use });
    this.standIns.set(standIn, name);
    return standIn as T;
  }

  /** Of these, only those that are asked for count. */
  facts<T>(words: Readonly<Record<keyof T, string>>): T {
    const known = new Map<string, unknown>();
    const get = (_: object, key: string | symbol): unknown => {
      const name = `the record's ${words[key as keyof T] ?? String(key)}`;
      if (!known.has(name)) known.set(name, this.value(name));
      return known.get(name);
    };
    return new Proxy({}, { get }) as T;
  }

  /** It was looked into, it stands in what the guardrail says it saw, or the guardrail found it unreadable. */
  wasUsedIn({ saw, code }: GuardrailResult): boolean {
    for (const value of Object.values(saw)) this.noteIfStandIn(value);
    return this.used.size > 0 || (code === "FACTS_UNAVAILABLE" && this.names().length > 0);
  }

  names(): string[] {
    return this.used.size > 0 ? [...this.used] : [...this.handed].filter((name) => name.startsWith("the record's "));
  }

  private noteIfStandIn(value: Json): void {
    if (typeof value !== "object" || value === null) return;
    const name = this.standIns.get(value);
    if (name !== undefined) this.used.add(name);
    else if (Array.isArray(value)) for (const one of value) this.noteIfStandIn(one);
    else for (const one of Object.values(value)) this.noteIfStandIn(one);
  }
}
