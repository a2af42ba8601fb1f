/** Connections of a folder that is watched: an edit, or another secret in a file, counts from the next call on. */
import type { Logger } from "pino";
import type { Connections } from "../adapters/connections.ts";
import type { Catalogue } from "../catalogue/catalogue.ts";
import { secretsStamp, type SecretSource } from "../catalogue/secrets.ts";
import { processSecrets } from "../config/secrets.ts";
import { LiveFolder } from "../starters/live-folder.ts";
import { resolveConnections } from "./connections.ts";
import { folderLoader } from "./folder-loader.ts";

export interface LiveConnections {
  readonly connections: Connections;
  /** Throws a UserError with every mistake, or with the secrets that are missing. */
  open(): Promise<void>;
  /** Looks again and again until `stop`; calls `reconnect` when something about the connections has changed. */
  watch(reconnect: (connections: Connections) => void): void;
  /** One look at once. */
  look(): Promise<void>;
  stop(): Promise<void>;
}

export function liveConnections(
  folder: string,
  log: Logger,
  secrets: () => SecretSource = processSecrets,
): LiveConnections {
  let connections: Connections | null = null;
  let stamp = "";
  let tell: (connections: Connections) => void = () => undefined;
  const stampOf = (catalogue: Catalogue): string =>
    JSON.stringify([catalogue.connections, secretsStamp(catalogue.connections, secrets())]);
  const apply = (catalogue: Catalogue): Promise<void> => {
    const found = resolveConnections(catalogue, secrets());
    const now = stampOf(catalogue);
    if (now === stamp) return Promise.resolve();
    const isFirst = stamp === "";
    [stamp, connections] = [now, found];
    if (!isFirst) log.info({ folder }, "the connections have changed");
    tell(found);
    return Promise.resolve();
  };
  const live = new LiveFolder({
    folder,
    load: folderLoader(),
    beside: stampOf,
    // Inventory and runbooks come from the record.
    only: "selfheal.yaml",
    // A refusal is an answer too, not a throw.
    apply: async (catalogue) => apply(catalogue),
    log,
  });
  return {
    get connections() {
      if (connections === null) throw new Error(`${folder} was not loaded yet`);
      return connections;
    },
    open: () => live.open(),
    watch: (reconnect) => {
      tell = reconnect;
      live.watch();
    },
    look: () => live.look(),
    stop: () => live.stop(),
  };
}
