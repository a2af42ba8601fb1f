import type { FailureClass } from "../contracts/failures.ts";

/** What an adapter throws: nothing else leaves it. The message is redacted and names system and operation. */
export class AdapterError extends Error {
  override readonly name = "AdapterError";
  readonly failure: FailureClass;
  readonly system: string;
  readonly operation: string;
  /** From Retry-After, when the vendor said it. */
  readonly retryAfterMs: number | undefined;

  constructor(
    failure: FailureClass,
    where: { system: string; operation: string; retryAfterMs?: number | undefined },
    message: string,
    options?: { cause?: unknown },
  ) {
    super(`${where.system} ${where.operation}: ${message}`, options);
    this.failure = failure;
    this.system = where.system;
    this.operation = where.operation;
    this.retryAfterMs = where.retryAfterMs;
  }
}
