/** Tables of what is learned afterwards: postmortems, reports, problems; a part of Tables (tables.ts). */
import type { ColumnType, Generated } from "kysely";
import type { JsonObject } from "../contracts/json.ts";

export interface LessonTables {
  postmortems: PostmortemsTable;
  reports: ReportsTable;
  problems: ProblemsTable;
  problem_remediations: {
    problem_key: string;
    remediation_id: string;
    at: string;
    noted_at: ColumnType<string | null, never, string>;
  };
}

/** Of what is sent to people once, and tried again until it was. */
interface Sending {
  sent_at: ColumnType<string | null, never, string>;
  attempts: Generated<number>;
  tried_at: ColumnType<string | null, never, string>;
  error: ColumnType<string | null, never, string | null>;
}

interface PostmortemsTable extends Sending {
  remediation_id: string;
  owner: string;
  markdown: string;
  made_at: string;
}

interface ReportsTable extends Sending {
  /** `month 2026-10` */
  period: string;
  report: ColumnType<JsonObject, string, string>;
  markdown: string;
  csv: string;
  made_at: string;
}

interface ProblemsTable {
  /** What the ticket carries, so that it can be found again. */
  key: string;
  /** What comes again and again: `target:host:web-1`. */
  pattern: string;
  title: string;
  body: string;
  queue: string;
  owner: string;
  found_at: string;
  /** When a ticket was last asked for; it may have come into being since. */
  sent_at: ColumnType<string | null, never, string>;
  ticket_id: ColumnType<string | null, never, string>;
  url: ColumnType<string | null, never, string>;
  closed_at: ColumnType<string | null, never, string>;
  error: ColumnType<string | null, never, string | null>;
}
