/** Tables of messages to people, beside escalations; a part of Tables (tables.ts). */
import type { ColumnType, Generated } from "kysely";
import type { ThreadOpening } from "./api-notifications.ts";

export interface NotificationTables {
  notification_threads: ThreadsTable;
  notification_channels: ChannelsTable;
}

interface ThreadsTable {
  remediation_id: string;
  channel: string;
  reference: string;
  opening: ColumnType<ThreadOpening, string, string>;
  opened_at: string;
  rang_at: string;
  /** null: it shows how its remediation ended. */
  shown: string | null;
  shown_at: string;
  attempts: Generated<number>;
  tried_at: ColumnType<string | null, never, string | null>;
  error: ColumnType<string | null, never, string | null>;
}

interface ChannelsTable {
  channel: string;
  taken: Generated<string>;
  failed: Generated<string>;
  taken_at: string | null;
  failed_at: string | null;
  error: string | null;
}
