/** What docs/operating.md says is covered beside the chains: each column, with another value. */
import type { BesideRows } from "../../src/record/audit/rows.ts";

/** Of a remediation. */
export const COVERED: {
  [T in keyof Omit<BesideRows, "remediation">]: Partial<Record<keyof BesideRows[T][number], unknown>>;
} & {
  remediation: Partial<Record<keyof NonNullable<BesideRows["remediation"]>, unknown>>;
} = {
  remediation: {
    ...{ target_kind: "vm", target_id: "other", workflow_id: "heal:x", outcome: "failed", needs_human: true },
    ...{ detail: "all good", closed_at: null, closing_hash: "0" },
  },
  effects: {
    ...{ key: "other/key", rung: "r9", step: "other", action: "host.reboot", direction: "undo", attempt: 7 },
    ...{ state: "notHappened", request: { pool: "db" }, result: null, detail: "x" },
    ...{ intent_at: "2020-01-01T00:00:00Z", settled_at: "2020-01-01T00:00:00Z" },
  },
  decisions: { plan_hash: "p", person: "mallory", decision: "reject", via: "api", reason: "x", status: "void" },
  verdicts: { verdict: { outcome: "refuse", results: [], at: "" }, plan_hash: "p", catalogue_version: "c" },
  plans: { plan_hash: "p", plan: {} },
  escalations: { key: "other", route: "page", summary: "x", sent_at: null },
  admissions: { plan_hash: "p", scopes: [], standing_id: "s" },
  reviews: { verdict: "masking", by_person: "mallory", reason: "x" },
  postmortems: { owner: "mallory", markdown: "it was nobody" },
};

/** Of what people do to the automation as a whole, in SQL. */
export const CONTROLS: [table: string, changes: Record<string, string>, where?: string][] = [
  [
    "pauses",
    {
      ...{ id: "'other'", scope: "'rack:r9'", reason: "'x'", by_person: "'mallory'", until_at: "null" },
      resumed_at: "selfheal_now()",
    },
    "scope = 'rack:r2'",
  ],
  ["pauses", { resumed_at: "null" }, "scope = 'rack:r1'"],
  [
    "modes",
    { scope: "'x'", mode: "'auto'", declared: "null", runbook_hash: "'h'", by_person: "'mallory'", reason: "'x'" },
  ],
  [
    "windows",
    {
      ...{
        kind: "'deploy'",
        scope: "'x'",
        reason: "'x'",
        by_person: "'mallory'",
        from_at: "from_at - interval '1 day'",
      },
      ...{ until_at: "until_at + interval '1 day'", closed_at: "null", closed_by: "'mallory'" },
    },
    "kind = 'maintenance'",
  ],
  [
    "standing_approvals",
    {
      ...{ runbook: "'x'", runbook_hash: "'x'", group_name: "'x'", by_person: "'mallory'", max_count: "99" },
      ...{ expires_at: "expires_at + interval '1 year'", withdrawn_at: "null", withdrawn_by: "'mallory'" },
      lapsed_at: "selfheal_now()",
    },
    "withdrawn_at is not null",
  ],
  [
    "breakers",
    {
      ...{ kind: "'errorBudget'", scope: "'x'", reason: "'x'", reset_at: "null", reset_by: "'mallory'" },
      ...{ reset_reason: "'x'", reset_how: "'drop'" },
    },
  ],
  [
    "attestations",
    {
      ...{ runbook: "'x'", runbook_hash: "'x'", kind: "'rehearsal'", passed: "false", summary: "'x'" },
      by_person: "'mallory'",
    },
  ],
  [
    "api_tokens",
    {
      ...{ name: "'x'", subject: "'mallory'", secret_hash: "'x'", roles: "array['admin']", groups: "array['db']" },
      ...{ created_by: "'mallory'", expires_at: "expires_at + interval '1 year'", revoked_at: "null" },
      revoked_by: "'mallory'",
    },
    "name = 'revoked'",
  ],
  ["catalogue_active", { version: "'v1'" }],
  ["reports", { period: "'month 2026-09'", markdown: "'all is well'", csv: "'all is well'" }],
];
