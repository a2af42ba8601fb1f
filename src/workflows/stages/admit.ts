import { whyNotPassed } from "../../contracts/verdict.ts";
import type { Ending, Episode } from "../episode.ts";
import { record } from "../proxies.ts";
import { waitUntil } from "../wait.ts";
import { overBeforeAct } from "./confirm.ts";

export type Admitted = { next: "act" | "again" } | { next: "end"; ending: Ending };

/** A release hints the next waiter, and the watcher hints it again; without both it looks for itself, this rarely. */
const LOOK_AGAIN_MS = 6 * 60 * 60_000;

/** Takes all leases and consumes everything countable, or waits in the queue (then all is confirmed again: law 4). */
export async function admit(episode: Episode): Promise<Admitted> {
  const { remediationId, target } = episode;
  const about = `${remediationId}/queue`;
  episode.enter("admit", "asking for the right to act");
  const request = { remediationId, planHash: episode.planHash ?? "" };
  const reply = await record(`admit ${target.id}`)["remediation.admit"](request);
  if (reply.status === "admitted") return { next: "act" };
  episode.view.verdict = { outcome: reply.status === "refused" ? "refuse" : "wait", reasons: reply.results };
  if (reply.status === "again") return { next: "again" };
  if (reply.status === "refused") {
    const because = whyNotPassed(reply.results);
    return { next: "end", ending: { outcome: "refused", because, needsHuman: true, escalate: true } };
  }
  const since = new Date(Date.now()).toISOString();
  episode.say(`in the queue: ${reply.detail}`, { for: reply.detail, since, until: reply.until });
  const { desk } = episode;
  // Taken over it keeps its place: who stands behind it waits, as behind one that holds its leases.
  const wake = (): boolean => desk.hasHint(about) || desk.takeover.claimed() || overBeforeAct(episode) !== null;
  const ms = reply.until === null ? LOOK_AGAIN_MS : Math.max(1_000, Date.parse(reply.until) - Date.now());
  await waitUntil(wake, ms, `in the queue: ${reply.detail}`);
  desk.takeHint(about);
  return { next: "again" };
}
