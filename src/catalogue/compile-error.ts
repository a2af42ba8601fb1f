import type { ReasonCode } from "../contracts/verdict.ts";

/** No plan can be made of a runbook for this target. */
export class CompileError extends Error {
  override readonly name = "CompileError";
  readonly code: ReasonCode;

  constructor(code: ReasonCode, message: string) {
    super(message);
    this.code = code;
  }
}
