/** How loudly people are told. */
import type { Severity } from "./alert.ts";

export const ROUTES = ["page", "ticket", "message"] as const;
export type Route = (typeof ROUTES)[number];

/** Of what has no severity of its own. */
export const SEVERITY_OF_ROUTE = {
  page: "critical",
  ticket: "warning",
  message: "info",
} as const satisfies Record<Route, Severity>;
