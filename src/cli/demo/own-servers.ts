import type { Env } from "../../config/env.ts";
import { EXIT, UserError } from "../../config/user-error.ts";

/** `why`: what runs on servers of its own only. */
export function refuseForeignServers(env: Env, why: string): void {
  for (const [name, value] of Object.entries({
    DATABASE_URL: env.DATABASE_URL,
    TEMPORAL_ADDRESS: env.TEMPORAL_ADDRESS,
  })) {
    if (value !== undefined) throw new UserError(`${name} is set: ${why}; unset ${name}`, { exitCode: EXIT.usage });
  }
}
