/** What every request of the API has: an id, a logger with it, and what the server was made of. */
import type { Logger } from "pino";
import type { Catalogue } from "../../catalogue/catalogue.ts";
import type { FaultHook } from "../../contracts/fault-points.ts";
import type { RecordStore } from "../../record/api.ts";
import type { HttpRecord } from "../../record/api-http.ts";
import type { ChangeFeed } from "../change-feed.ts";
import type { ControlDependencies } from "../controls.ts";
import type { Starter } from "../ingest.ts";
import type { FolderStatus } from "../live-folder.ts";
import type { ModeDependencies } from "../modes.ts";
import type { ReportDependencies, ReportQueue } from "../reports.ts";
import type { ReviewDependencies } from "../reviews.ts";
import type { StandingDependencies } from "../standing.ts";
import type { TokenDependencies } from "../tokens.ts";
import type { StarterMetrics } from "../metrics.ts";
import type { Remediations } from "../remediations.ts";
import type { TicketEvents } from "../tickets.ts";
import type { Authenticate } from "./auth.ts";
import type { Caller } from "./caller.ts";
import type { Sender } from "./sender.ts";
import type { Readiness } from "./health.ts";
import type { GoesOn } from "./shed.ts";

/** Sent by our own command line. */
export const VIA_HEADER = "x-selfheal-via";

export interface Limits {
  /** Default 5 MiB. */
  bodyBytes: number;
  /** In one body; default 10,000. */
  alerts: number;
  /** Bodies of alerts that are taken in at once, before 503; default 2,000. */
  bodiesInFlight: number;
  /** Lists that are answered at once, before 503, and as many decisions of people; default 256. */
  requestsInFlight: number;
  /** How late the event loop may be, before lists and bodies of alerts are 503; default 500. */
  loopDelayMs: number;
}
export const DEFAULT_LIMITS: Limits = {
  bodyBytes: 5 * 1024 * 1024,
  alerts: 10_000,
  bodiesInFlight: 2_000,
  requestsInFlight: 256,
  loopDelayMs: 500,
};

export interface AppDependencies {
  record: Pick<
    RecordStore,
    | "ping"
    | "list"
    | "find"
    | "story"
    | "issueToken"
    | "queue"
    | "leases"
    | "releaseLeases"
    | "alerts"
    | "countedFacts"
    | Exclude<keyof HttpRecord, "changes">
  > &
    ControlDependencies["record"] &
    ModeDependencies["record"] &
    ReportDependencies["record"] &
    ReviewDependencies["record"] &
    StandingDependencies["record"] &
    TokenDependencies["record"] &
    Pick<RecordStore, "activeVersion" | "append" | "newestOfControl" | "signedBodySeen" | "signedBodyTaken">;
  remediations: Remediations;
  starter: Starter;
  feed: ChangeFeed;
  reports: ReportQueue;
  tickets: TicketEvents;
  readiness: () => Promise<Readiness>;
  /** The active catalogue, of the record. */
  active: () => Promise<Catalogue>;
  /** The loaded catalogue, to explain with; null while none is loaded. */
  catalogue: () => Catalogue | null;
  /** The version of the loaded catalogue; null while none is loaded. */
  catalogueVersion: () => string | null;
  /** How the configuration folder is; null: nobody watches one. */
  folder: (() => FolderStatus) | null;
  log: Logger;
  metrics: StarterMetrics;
  limits: Limits;
  /** How late the event loop is now. */
  loopDelayMs: () => number;
  /** What a source of alerts, or a ticket system, must show. */
  sender: (source: string) => Sender;
  /** Who asks for everything else. */
  authenticate: Authenticate;
  /** Address of Temporal's Web UI with the namespace, e.g. `http://127.0.0.1:8233/namespaces/default`; null: no links. */
  webUiUrl: string | null;
  /** Address of a trace with `{traceId}` in it; null: no links. */
  traceUrl: string | null;
  /** Remediations have traces: the answers name them. */
  isTraced: boolean;
  /** ISO; when something was received. */
  now: () => string;
  newRequestId: () => string;
  faultPoint?: FaultHook | undefined;
}

export interface AppEnv {
  Variables: {
    requestId: string;
    log: Logger;
    /** The path of the operation, without ids. */
    route?: string;
    /** Set by the guard, on operations that need a role. */
    caller: Caller;
    /** The operation's body names its author. */
    signs: boolean;
    /** Takes what goes on after the answer, where that counts as work. */
    goesOn?: GoesOn;
    /** Whose name stands on a page; null: nobody had to sign in. */
    person?: string | null;
  };
}
