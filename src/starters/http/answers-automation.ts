/** What the API answers about the automation as a whole, as schemas (answers.ts). */
import { z } from "zod";
import { ATTESTATION_KINDS, MODES } from "../../contracts/autonomy.ts";
import { BREAKER_KINDS } from "../../contracts/facts.ts";
import { WINDOW_KINDS } from "../../contracts/surroundings.ts";
import { GATE } from "../../policy/promotion.ts";
import { about, count, iso, maybe, severity, TARGET, text } from "./answers.ts";

const mode = z.enum(MODES);

const PAUSE = z.object({ id: text, scope: text, reason: text, by: text, at: iso, until: maybe }).meta({ id: "Pause" });
export const PAUSED = PAUSE;
export const PAUSES = z.object({ pauses: z.array(PAUSE) });
export const RESUMED = z.object({ resumed: z.array(PAUSE), hinted: count });

const LEASE_STATE = z.enum(["held", "orphaned", "leftOut"]);
const QUEUE_ROW = z.object({
  ...about,
  workflowId: text,
  runbook: text.nullable(),
  severity,
  since: iso,
  position: count,
  detail: text,
  until: maybe,
  pauses: z.array(PAUSE),
  scopes: z.array(text),
  caps: z.array(
    z.object({
      scope: text,
      max: z.number(),
      holders: z.array(z.object({ ...about, state: LEASE_STATE, since: iso })),
    }),
  ),
});
export const QUEUE = z.object({ queue: z.array(QUEUE_ROW) });
export const LEASES = z.object({
  leases: z.array(z.object({ remediationId: text, scope: text, state: LEASE_STATE, since: iso })),
});

const BREAKER_FIELDS = { id: text, kind: z.enum(BREAKER_KINDS), scope: text, reason: text, trippedAt: iso };
export const BREAKERS = z.object({
  breakers: z.array(z.object({ ...BREAKER_FIELDS, remediationId: text, waiting: count })),
});
export const BREAKERS_RESET = z.object({
  reset: z.array(z.object(BREAKER_FIELDS)),
  dropped: z.array(text),
  hinted: count,
});
export const LEFT_OUT = z.object({
  leftOut: z.array(
    z.object({
      ...about,
      group: text,
      runbook: text.nullable(),
      state: z
        .enum(["leftOut", "orphaned"])
        .describe("orphaned: what one of its effects did is not known; a person looks, then releases its leases"),
      since: iso,
      detail: text,
    }),
  ),
});
export const BACK = z.object({ target: TARGET, remediations: z.array(text), hinted: count });

const WINDOW = z
  .object({ id: text, kind: z.enum(WINDOW_KINDS), scope: text, reason: text, by: text, from: iso, until: iso })
  .meta({ id: "Window" });
export const OPENED_WINDOW = WINDOW;
export const WINDOWS = z.object({
  windows: z.array(
    z.object({ id: text, kind: z.enum(WINDOW_KINDS), scope: text, open: z.boolean(), until: maybe, detail: text }),
  ),
});
export const WINDOWS_CLOSED = z.object({ closed: z.array(WINDOW), hinted: count });

const HOLD = z.object({ id: text, holder: text, reason: text, since: iso, until: maybe, target: TARGET });
const OURS = z.object({ ...about, runbook: text.nullable(), state: LEASE_STATE, since: iso });
export const HOLDS = z.object({ holds: z.array(HOLD), ours: z.array(OURS) });
export const HELD = z.object({ hold: HOLD, ours: z.array(OURS) });
export const HOLD_RELEASED = z.object({ target: TARGET, hinted: count });

const MODE_SET = z
  .object({
    id: text,
    scope: text,
    mode,
    declared: mode.nullable(),
    runbookHash: text.nullable(),
    by: text,
    reason: text,
    at: iso,
  })
  .meta({ id: "ModeSet" });
export const MODE_ROW = z
  .object({ scope: text, declared: mode, set: MODE_SET.nullable(), lapsed: text.nullable(), mode })
  .meta({ id: "Mode" });
export const MODES_SHOWN = z.object({
  scopes: z.array(MODE_ROW),
  effective: z.array(z.object({ runbook: text, group: text, mode })),
});
export const EVIDENCE = z.object({
  evidence: z.array(
    z.object({
      runbook: text,
      group: text,
      cases: count,
      wouldAct: count,
      wouldAsk: count,
      wouldRefuse: count,
      ended: z.object({ byItself: count, later: count, notYet: count }),
      medianMs: z.number().nullable(),
      reviewed: z.object({ good: count, falsePositive: count, masking: count }),
      approved: count,
      rejected: count,
      healed: count,
      failed: count,
      agreed: count,
      disagreed: count,
      agreement: z.number().nullable(),
    }),
  ),
});
const gate = {
  runbook: text,
  runbookHash: text,
  group: text,
  gate: z.array(z.object({ item: z.enum(GATE), met: z.boolean(), detail: text })),
};
export const GATE_SHOWN = z.object(gate);
export const PROMOTED = z.object({ ...gate, set: MODE_SET, effective: mode });
export const ATTESTED = z.object({
  id: text,
  runbook: text,
  runbookHash: text,
  kind: z.enum(ATTESTATION_KINDS),
  passed: z.boolean(),
  summary: text,
  by: text,
  at: iso,
});

const STANDING_FIELDS = {
  id: text,
  runbook: text,
  runbookHash: text,
  group: text,
  by: text,
  expiresAt: iso,
  maxCount: count,
  used: count,
};
export const STANDING_ROW = z
  .object({
    ...STANDING_FIELDS,
    reason: text,
    grantedAt: iso,
    declared: z.boolean(),
    state: z.enum(["usable", "usedUp", "expired", "withdrawn", "lapsed"]),
    withdrawnBy: text.nullable(),
    uses: z.array(z.object({ remediationId: text, target: TARGET, at: iso })),
  })
  .meta({ id: "StandingApproval" });
export const STANDING = z.object({ standing: z.array(STANDING_ROW) });
export const STANDING_GIVEN = z.object({
  ...STANDING_FIELDS,
  covers: z.object({ targets: count, of: count, because: text }),
});

const FILE_PROBLEM = z.object({
  file: text,
  line: count,
  col: count,
  path: text,
  message: text,
  value: text.nullable(),
  wouldBeRight: text,
  severity: z.enum(["error", "warning"]),
});
export const CATALOGUE = z.object({
  version: text.nullable().describe("Of this process; null while none is loaded"),
  active: text.nullable().describe("Of the record: what new remediations decide with"),
  folder: z
    .object({
      folder: text,
      version: text,
      since: text,
      state: z.enum(["current", "partly", "broken", "waiting"]),
      problems: z.array(FILE_PROBLEM),
      because: text.nullable(),
      teams: z.array(
        z.object({ team: text, runbooks: z.array(text), state: z.enum(["current", "lastGood", "leftOut"]) }),
      ),
    })
    .nullable()
    .describe("null: this process watches no folder"),
});
