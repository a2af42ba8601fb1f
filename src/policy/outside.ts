import type { GuardrailResult } from "../contracts/verdict.ts";
import { timeOf, unavailable, words } from "./guardrail.ts";

/** `what`: what is not known without it. */
interface Need {
  guardrail: string;
  what: string;
  saw?: GuardrailResult["saw"];
}

/** Why a reading from outside does not count at this time, as a refusal; null: it counts. */
export function refuseUnread(
  { guardrail, what, saw = {} }: Need,
  reading: { at: string; detail: string; value: unknown } | null,
  maxAgeMs: number,
  at: number,
): GuardrailResult | null {
  const refuse = (why: string): GuardrailResult => unavailable(guardrail, `${what}: ${why}`, saw);
  if (reading === null) return refuse("nobody asked yet");
  if (reading.value === null) return refuse(reading.detail);
  const read = timeOf(reading.at);
  if (read === null) return refuse(`the time ${reading.at} of the reading cannot be read`);
  if (at - read <= maxAgeMs) return null;
  return { ...refuse(`it was read ${words(at - read)} ago, at most ${words(maxAgeMs)} counts`), stale: true };
}
