/** Where the API may listen: wider than this machine only when everybody is asked who he is. */
import { EXIT, UserError } from "../../config/user-error.ts";
import type { RecordStore } from "../../record/api.ts";
import type { SourceSecrets } from "../source-tokens.ts";
import { alertmanager } from "../sources/alertmanager.ts";
import type { Token } from "./auth.ts";

const LOOPBACK = new Set(["127.0.0.1", "::1", "localhost"]);

export function isLoopback(host: string): boolean {
  return LOOPBACK.has(host);
}

export interface Gate {
  host: string;
  /** Of every source without one of its own. */
  webhookToken: Token | null;
  /** By the source's name. */
  sourceSecrets: Readonly<Record<string, SourceSecrets>>;
}

/**
 * Whoever reaches the webhook can start remediations: beyond this machine every sender proves who it is. Alertmanager is
 * the one that nobody does without; others that nobody gave a secret are answered with 401.
 */
export function requireSenders({ host, webhookToken, sourceSecrets }: Gate): void {
  if (isLoopback(host) || webhookToken !== null) return;
  if (Object.keys(sourceSecrets[alertmanager.name] ?? {}).length > 0) return;
  throw new UserError(
    `will not listen on ${host} while senders of alerts prove nothing: everybody on the network could send alerts; ` +
      "configure sources.alertmanager.token or .hmac of selfheal.yaml, or SELFHEAL_WEBHOOK_TOKEN, or listen on 127.0.0.1",
    { exitCode: EXIT.usage },
  );
}

/** Whoever reaches the API can approve a reinstall: beyond this machine everybody is asked who he is. */
export async function requireCallers(host: string, known: boolean | Pick<RecordStore, "hasApiTokens">): Promise<void> {
  if (isLoopback(host)) return;
  if (typeof known === "boolean" ? known : await known.hasApiTokens()) return;
  throw new UserError(
    `will not listen on ${host} while nobody is asked who he is: everybody on the network could approve remediations; ` +
      "make a first token (`selfheal token create NAME --role admin --record`), configure access.oidc of selfheal.yaml or " +
      "SELFHEAL_API_TOKEN, or listen on 127.0.0.1",
    { exitCode: EXIT.usage },
  );
}
