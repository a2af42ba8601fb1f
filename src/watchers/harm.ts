/**
 * The harm SLIs of running plans. A wait of system `metrics` holds the query and the bound in `ref`, as JSON (written by
 * `remediation.read`); its state words are `ok` and `worse`. Each different query is asked once.
 */
import { z } from "zod";
import type { Ports } from "../ports/ports.ts";
import { Gate } from "../starters/gate.ts";
import type { Words } from "./look.ts";

export const HARM_SYSTEM = "metrics";

const REF = z.object({
  query: z.string(),
  maxAgeMs: z.number(),
  better: z.enum(["higher", "lower"]),
  /** The value beyond which it is harm. */
  bound: z.number(),
});
type HarmRef = z.infer<typeof REF>;

const QUERIES_AT_ONCE = 4;

/** Rejects with the reason when not one of the queries could be read; what cannot be read has no word. */
export async function lookAtHarm(ports: Ports, refs: string[]): Promise<Words> {
  const watched = refs.map((ref) => ({ ref, harm: parse(ref) })).filter((one) => one.harm !== null) as Watched[];
  const byQuery = Map.groupBy(watched, ({ harm }) => `${harm.maxAgeMs} ${harm.query}`);
  const gate = new Gate(QUERIES_AT_ONCE);
  const words: Words = new Map();
  const reasons: string[] = [];
  await Promise.all(
    [...byQuery.values()].map((group) =>
      gate.through(async () => {
        const first = group[0];
        if (first === undefined) return;
        const reading = await ports.metrics.scalar(first.harm.query, first.harm.maxAgeMs);
        if (!reading.ok) reasons.push(reading.reason);
        else for (const { ref, harm } of group) words.set(ref, isWorse(harm, reading.value) ? "worse" : "ok");
      }),
    ),
  );
  if (words.size === 0 && reasons[0] !== undefined) throw new Error(reasons[0]);
  return words;
}

interface Watched {
  ref: string;
  harm: HarmRef;
}

function isWorse(harm: HarmRef, value: number): boolean {
  return harm.better === "higher" ? value < harm.bound : value > harm.bound;
}

function parse(ref: string): HarmRef | null {
  try {
    return REF.parse(JSON.parse(ref));
  } catch {
    return null;
  }
}
