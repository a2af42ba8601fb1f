/** What the errors of fetch and of sockets mean. */

/** Codes that only arise before a connection exists. */
const BEFORE_CONNECT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EAI_FAIL",
  "UND_ERR_CONNECT_TIMEOUT",
  "ENOENT",
]);
/** System calls that come before the first byte of a request. */
const BEFORE_SEND = new Set(["connect", "getaddrinfo"]);

interface SystemError {
  code?: unknown;
  syscall?: unknown;
  cause?: unknown;
  errors?: unknown;
}

/** True when the error proves that no byte of the request left: then a write did not happen. */
export function neverLeft(error: unknown): boolean {
  const root = rootCause(error);
  if (root === null) return false;
  // Several addresses were tried: every one of them must have failed before sending.
  if (Array.isArray(root.errors) && root.errors.length > 0) return root.errors.every(neverLeft);
  if (typeof root.syscall === "string") return BEFORE_SEND.has(root.syscall);
  return typeof root.code === "string" && BEFORE_CONNECT.has(root.code);
}

/** The innermost error code, e.g. `ECONNRESET`; null when there is none. */
export function errorCode(error: unknown): string | null {
  const root = rootCause(error);
  if (root === null) return null;
  if (typeof root.code === "string") return root.code;
  return Array.isArray(root.errors) ? errorCode(root.errors[0]) : null;
}

/** One phrase for a person. */
export function describeError(error: unknown): string {
  const code = errorCode(error);
  if (isTimeout(error)) return error instanceof Error ? error.message : "no answer in time";
  const text = innermostMessage(error);
  if (code === null) return text;
  return text.includes(code) ? text : `${text} (${code})`;
}

export function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === "TimeoutError";
}

function rootCause(error: unknown): SystemError | null {
  let current: unknown = error;
  for (let depth = 0; depth < 5; depth += 1) {
    if (typeof current !== "object" || current === null) return null;
    const { cause } = current as SystemError;
    if (typeof cause !== "object" || cause === null) return current;
    current = cause;
  }
  return null;
}

function innermostMessage(error: unknown): string {
  let current = error;
  for (let depth = 0; depth < 5 && current instanceof Error && current.cause instanceof Error; depth += 1) {
    current = current.cause;
  }
  if (!(current instanceof Error)) return String(current);
  if (current.message !== "") return current.message;
  return current instanceof AggregateError ? current.errors.map(innermostMessage).join("; ") : current.name;
}
