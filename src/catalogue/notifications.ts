/** Which channels a message goes to, and its words. Pure. */
import type { JsonObject } from "../contracts/json.ts";
import type { Route } from "../contracts/route.ts";
import type { Message } from "../ports/ports.ts";
import { MOST_CHANNELS, type NotificationsSpec } from "./grammar/notifications.ts";
import { fill } from "./template.ts";

/** What a route may ask for; null and empty: not known, or about no remediation. */
export interface MessageFacts {
  route: Route;
  severity: string | null;
  owners: readonly string[];
  group: string | null;
  runbook: string | null;
  /** The fastest of the objectives that govern the target. */
  burnRate: number | null;
}

export interface Routed {
  route: Route;
  /** In the order in which they are tried. */
  to: readonly string[];
}

/**
 * The first route that fits; `spec` null: not known. A page is never made less of: its author knew that somebody must look.
 * Where none of its channels takes it, it goes to those of everything else.
 */
export function routed(spec: NotificationsSpec | null, channels: readonly string[], facts: MessageFacts): Routed {
  const found = spec?.routes.find(({ when }) => fits(when, facts));
  const otherwise = spec?.otherwise ?? channels;
  const route = facts.route === "page" ? "page" : (found?.as ?? facts.route);
  const to = found === undefined ? otherwise : route === "page" ? [...found.to, ...otherwise] : found.to;
  return { route, to: [...new Set(to)].slice(0, MOST_CHANNELS) };
}

type When = NotificationsSpec["routes"][number]["when"];

function fits(when: When, { route, severity, owners, group, runbook, burnRate }: MessageFacts): boolean {
  const among = (asked: readonly string[] | undefined, ...found: (string | null)[]): boolean =>
    asked === undefined || found.some((one) => one !== null && asked.includes(one));
  return (
    among(when.route, route) &&
    among(when.severity, severity) &&
    among(when.owner, ...owners) &&
    among(when.group, group) &&
    among(when.runbook, runbook) &&
    // Not known is not fast: what is known of a page is that it pages.
    (when.burnRate === undefined || (burnRate !== null && burnRate >= when.burnRate))
  );
}

export const MESSAGE_ROOTS = ["message", "remediation"] as const;

/** What templates read, with values such as they may have: for the check of a folder, and for the docs. */
export const SAMPLE = {
  message: { title: "web-1: disk-replacement escalated", text: "what happened", route: "page", key: "…/end" },
  remediation: {
    ...{ id: "01b2…", kind: "host", target: "web-1", runbook: "disk-replacement", group: "web", owner: "storage-sre" },
    ...{ severity: "critical", phase: "act", openedAt: "2027-01-01T00:00:00.000Z", burnRate: "not known" },
    ...{ state: "in act: draining", tried: "loadbalancer.drain: happened", waiting: "nothing" },
    next: "selfheal remediation show 01b2…",
  },
} satisfies JsonObject;

/** `about`: fields of `remediation`; none of them is empty. A template that fails must not keep a message back. */
export function worded(
  spec: NotificationsSpec,
  { title, text, key }: Message,
  route: Route,
  about: JsonObject,
): { title: string; text: string; failed: string | null } {
  const bindings = { message: { title, text, route, key }, remediation: about };
  const filled = fill(spec.templates[route], bindings);
  if (!filled.ok) return { title, text, failed: filled.reason };
  const words = filled.value as { title: unknown; text: unknown };
  return { title: String(words.title), text: String(words.text), failed: null };
}
