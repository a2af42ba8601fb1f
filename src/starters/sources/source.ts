/** What every alert source gives: its own body, translated into alerts. Only translation; no policy. */
import type { z } from "zod";
import type { Alert } from "../../contracts/alert.ts";
import type { FieldFault } from "../problems.ts";

export type Item =
  /** `clipped`: annotations were shortened to fit MAX_ALERT_BYTES. */
  | { kind: "alert"; alert: Alert; clipped: boolean }
  /** It can never become an alert. `stub` is what of it can be recorded, bounded, the same at every repetition. */
  | { kind: "refused"; stub: Alert; faults: FieldFault[] };

export interface Batch {
  /** The source's name, e.g. `alertmanager`. */
  source: string;
  items: Item[];
  /** Alerts that the sender itself left out of this body. */
  truncated: number;
  /** What the sender calls this group, for logs; empty when it does not. */
  group: string;
}

export interface NormaliseOptions {
  /** ISO. */
  receivedAt: string;
  /** More alerts than this in one body are refused with it. */
  maxAlerts: number;
  /** Of the request, by its name in lower case; left out: there was none. */
  header?: (name: string) => string | undefined;
}

export interface Source {
  /** Its address is `POST /v1/alerts/<name>`. */
  name: string;
  /** In one sentence, for the API's own pages. */
  summary: string;
  /** Media types of its bodies, JSON all of them. */
  bodyTypes: readonly [string, ...string[]];
  /** What a body looks like, for the API's own pages; a body is read by `normalise` alone. */
  body: z.ZodType;
  /** Rejects only with a ProblemError, and only when nothing in the body can ever be accepted. */
  normalise(body: unknown, options: NormaliseOptions): Batch;
}
