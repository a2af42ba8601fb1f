/** `selfheal codec serve`: decrypts payloads for Temporal's Web UI and its CLI, where payload encryption is on. */
import { createAdaptorServer } from "@hono/node-server";
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Command } from "commander";
import { ACTIONS } from "../activities/actions.ts";
import { readEnv, type Env } from "../config/env.ts";
import { createLogger } from "../config/logger.ts";
import { parsePayloadKeys, payloadCodec } from "../config/payload-codec.ts";
import { EXIT, UserError } from "../config/user-error.ts";
import { Secret } from "../ports/secret.ts";
import { requireLoaded } from "../starters/active-catalogue.ts";
import { authenticator } from "../starters/http/auth.ts";
import { createCodecApp } from "../starters/http/codec.ts";
import { isLoopback } from "../starters/http/gate.ts";
import { oidcVerifier, type OidcVerifier } from "../starters/http/oidc.ts";
import { parsePort, withExamples } from "./options.ts";
import { withCleanup } from "./process/cleanup.ts";
import { announceReady } from "./process/ready.ts";
import { stopOnSignals } from "./process/signals.ts";

interface CodecOptions {
  host: string;
  port: number;
  origin?: string;
  config?: string;
}

export function codecCommand(): Command {
  const serve = new Command("serve")
    .description("Decrypt payloads for Temporal's Web UI and CLI. Needs SELFHEAL_PAYLOAD_KEYS.")
    .option(
      "--host <address>",
      "where to listen; wider than loopback needs SELFHEAL_CODEC_TOKEN or --config",
      "127.0.0.1",
    )
    .option("--port <port>", "0 takes a free one", parsePort, 8082)
    .option("--origin <url>", "of the Web UI: the only web page that is answered; default none")
    .option("--config <folder>", "whose access.oidc the Web UI's users prove themselves by")
    .action((options: CodecOptions) => run(options, readEnv()));
  return new Command("codec").description("payload encryption").addCommand(
    withExamples(serve, [
      ["selfheal codec serve --origin http://127.0.0.1:8233", "for a Web UI on this machine"],
      ["selfheal codec serve --host 0.0.0.0 --origin https://temporal.example.net --config ./config", "with OIDC"],
    ]),
  );
}

function run(options: CodecOptions, env: Env): Promise<void> {
  return withCleanup(async (defer) => {
    const log = createLogger(env, "codec");
    const stop = stopOnSignals();
    defer(stop.release);
    const { host, port, origin = null } = options;
    if (env.SELFHEAL_PAYLOAD_KEYS === undefined)
      throw misused("SELFHEAL_PAYLOAD_KEYS is not set: there is nothing to decrypt");
    if (origin !== null && URL.parse(origin)?.origin !== origin)
      throw misused(`--origin ${origin}: right would be https://HOST, without a path`);
    const apiToken = env.SELFHEAL_CODEC_TOKEN === undefined ? null : new Secret(env.SELFHEAL_CODEC_TOKEN);
    const verifier = options.config === undefined ? null : await verifierOf(options.config);
    if (!isLoopback(host) && apiToken === null && verifier === null) {
      throw misused(
        `will not listen on ${host} while nobody is asked who he is: set SELFHEAL_CODEC_TOKEN, or --config with access.oidc`,
      );
    }
    // Tokens of the API are in the record, which a codec server does not need.
    const record = { apiTokenOf: () => Promise.resolve(null), hasApiTokens: () => Promise.resolve(false) };
    const authenticate = authenticator({ record, apiToken, oidc: () => verifier, mayBeOpen: isLoopback(host) });
    const codec = payloadCodec(parsePayloadKeys(env.SELFHEAL_PAYLOAD_KEYS));
    const server = createAdaptorServer({ fetch: createCodecApp({ codec, origin, authenticate }).fetch }) as Server;
    server.listen(port, host);
    await once(server, "listening").catch((error: unknown) => {
      throw new UserError(`cannot listen on ${host}:${port}: choose another with --host and --port`, {
        cause: error,
        exitCode: EXIT.unavailable,
      });
    });
    defer(() => {
      server.close();
      server.closeAllConnections();
    });
    const url = `http://${host}:${(server.address() as AddressInfo).port}`;
    log.info({ url, origin }, "codec server is listening");
    announceReady({ url });
    await stop.requested;
  });
}

async function verifierOf(folder: string): Promise<OidcVerifier> {
  const { oidc } = (await requireLoaded(folder, ACTIONS)).catalogue.access;
  if (oidc === undefined) throw misused(`${folder}/selfheal.yaml has no access.oidc`);
  return oidcVerifier(oidc);
}

function misused(message: string): UserError {
  return new UserError(message, { exitCode: EXIT.usage });
}
