import { EXIT, UserError } from "../../config/user-error.ts";

/** The user stopped it before everything was up. */
export class Stopped extends UserError {
  constructor() {
    super("stopped", { exitCode: EXIT.interrupted });
  }
}

/** @throws Stopped */
export function checkpoint(stop: AbortSignal): void {
  if (stop.aborted) throw new Stopped();
}
