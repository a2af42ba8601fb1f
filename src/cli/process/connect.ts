/** What a worker and an API need before they can do anything: the record and Temporal, however long that takes. */
import type { Client } from "@temporalio/client";
import { connectClient, type TemporalSettings } from "../../config/temporal.ts";
import type { RecordStore } from "../../record/api.ts";
import { openRecord } from "../../record/record.ts";
import type { Defer } from "./cleanup.ts";
import { untilThere, type Patience } from "./until-there.ts";

export interface Needed {
  databaseUrl: string;
  settings: TemporalSettings;
  /** Shown in pg_stat_activity. */
  applicationName: string;
  defer: Defer;
}

export async function connectBoth(
  { databaseUrl, settings, applicationName, defer }: Needed,
  patience: Patience,
): Promise<{ record: RecordStore; client: Client }> {
  const record = await untilThere(() => openRecord(databaseUrl, { applicationName }), patience);
  defer(() => record.end());
  const client = await untilThere(() => connectClient(settings), patience);
  defer(() => client.connection.close());
  return { record, client };
}
