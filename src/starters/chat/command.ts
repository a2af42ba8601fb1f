/** What people say in chat, as commands. Pure. */
import { parseDuration } from "../../catalogue/duration.ts";
import type { ReviewVerdict } from "../../contracts/autonomy.ts";
import type { Role } from "../../contracts/roles.ts";

export type ChatCommand =
  /** `plan`: the hash of the plan that was looked at, or at least 8 digits of its beginning. */
  | { kind: "approve"; id: string; plan: string; reason: string }
  | { kind: "reject"; id: string; plan: string | null; reason: string }
  | { kind: "review"; id: string; verdict: ReviewVerdict; reason: string }
  /** `forMs` null: until it is resumed. */
  | { kind: "pause"; scope: string; forMs: number | null; reason: string }
  | { kind: "resume"; what: string }
  /** `id` null: everything that is open. */
  | { kind: "status"; id: string | null };

/** As the API asks for the same. */
export const ROLE_OF: Record<ChatCommand["kind"], Role> = {
  approve: "approver",
  reject: "approver",
  review: "operator",
  pause: "operator",
  resume: "operator",
  status: "viewer",
};

export const HELP = [
  "status [ID or target]",
  "approve ID PLAN [reason]   (PLAN: as status shows it)",
  "reject ID [reason]",
  "pause SCOPE [for 2h] REASON",
  "resume SCOPE",
  "good|false-positive|masking ID [reason]",
].join("\n");

const VERDICTS: Readonly<Record<string, ReviewVerdict>> = {
  good: "good",
  "false-positive": "falsePositive",
  falsepositive: "falsePositive",
  masking: "masking",
};
const PLAN = /^[0-9a-f]{8,64}$/i;
const LONGEST_REASON = 500;

/** A text: why it is no command. */
export function commandOf(text: string): ChatCommand | string {
  const [verb = "", first = "", ...rest] = text.trim().split(/\s+/);
  const needs = (what: string): string => `${verb} needs ${what}`;
  const reason = (words: readonly string[]): string => words.join(" ").slice(0, LONGEST_REASON);
  const verdict = VERDICTS[verb.toLowerCase()];
  if (verdict !== undefined) {
    return first === "" ? needs("a remediation") : { kind: "review", id: first, verdict, reason: reason(rest) };
  }
  switch (verb.toLowerCase()) {
    case "status":
      return { kind: "status", id: first === "" ? null : first };
    case "approve": {
      const [plan = "", ...why] = rest;
      // An approval counts for exactly the plan that was looked at.
      if (!PLAN.test(plan)) return needs("a remediation and the plan's hash, as `status ID` shows them");
      return { kind: "approve", id: first, plan: plan.toLowerCase(), reason: reason(why) };
    }
    case "reject":
      return first === "" ? needs("a remediation") : { kind: "reject", id: first, plan: null, reason: reason(rest) };
    case "pause":
      return pauseOf(first, rest, needs);
    case "resume":
      return first === "" ? needs("a scope, or the id of a pause") : { kind: "resume", what: first };
    default:
      return verb === "" || verb === "help" ? "what I take" : `there is no ${verb.slice(0, 40)}`;
  }
}

function pauseOf(scope: string, words: readonly string[], needs: (what: string) => string): ChatCommand | string {
  const isTimed = words[0]?.toLowerCase() === "for";
  const forMs = isTimed ? parseDuration(words[1] ?? "") : null;
  if (isTimed && forMs === null) return needs("a time such as 30m or 2h after for");
  const reason = words.slice(isTimed ? 2 : 0).join(" ");
  if (scope === "" || reason === "") return needs("a scope (global, group:NAME, target:KIND:ID, …) and a reason");
  return { kind: "pause", scope, forMs, reason: reason.slice(0, LONGEST_REASON) };
}

/** Of a button: `selfheal.<verb>`, with the value that its message was posted with. null: it is none of ours. */
export function commandOfButton(action: string, value: string): ChatCommand | null {
  const verb = /^selfheal\.([A-Za-z]+)$/.exec(action)?.[1];
  const [id = "", plan = ""] = value.split(" ");
  if (verb === undefined || id === "") return null;
  if (verb === "approve") return plan === "" ? null : { kind: "approve", id, plan, reason: "" };
  if (verb === "reject") return { kind: "reject", id, plan: plan === "" ? null : plan, reason: "" };
  const verdict = VERDICTS[verb.toLowerCase()];
  return verdict === undefined ? null : { kind: "review", id, verdict, reason: "" };
}
