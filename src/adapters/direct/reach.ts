/**
 * What an attempt to reach a target says about the target. Refused, silent, unreachable and cut off are answers: the
 * target (or its last hop) did not serve. A name that does not resolve, no route from here, no free port, a bad
 * certificate are not: they are troubles of ours or of the way, and give no measurement.
 */
import { errorCode, isTimeout } from "../network.ts";

export type Failure = "refused" | "timeout" | "unreachable" | "reset";

const FAILURES: Record<string, Failure> = {
  ECONNREFUSED: "refused",
  ETIMEDOUT: "timeout",
  UND_ERR_CONNECT_TIMEOUT: "timeout",
  UND_ERR_HEADERS_TIMEOUT: "timeout",
  UND_ERR_BODY_TIMEOUT: "timeout",
  EHOSTUNREACH: "unreachable",
  EHOSTDOWN: "unreachable",
  ECONNRESET: "reset",
  EPIPE: "reset",
  UND_ERR_SOCKET: "reset",
};

/** null: it says nothing about the target. */
export function failureToReach(error: unknown): Failure | null {
  if (isTimeout(error)) return "timeout";
  return FAILURES[errorCode(error) ?? ""] ?? null;
}
