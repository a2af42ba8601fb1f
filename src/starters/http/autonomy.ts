/** `/v1/modes` and `/v1/approvals/standing`: how much the automation may do by itself. */
import { Hono } from "hono";
import { z } from "zod";
import { ATTESTATION_KINDS, MODES } from "../../contracts/autonomy.ts";
import * as modes from "../modes.ts";
import * as standing from "../standing.ts";
import { checked, limitBody, readJson } from "./body.ts";
import type { AppDependencies, AppEnv } from "./context.ts";

const MAX_BODY_BYTES = 16 * 1024;
const YEAR_MS = 366 * 24 * 3_600_000;
const MOST_USES = 10_000;

const name = z.string({ error: "a text" }).trim().min(1, "a text that is not empty").max(255, "at most 255 characters");
const reason = z.string({ error: "a text" }).trim().min(1, "a text that says why").max(500, "at most 500 characters");
const whole = z.number({ error: "a number" }).int("a whole number").min(1, "1 or more");
const mode = z.enum([...MODES, "file"], { error: `one of ${MODES.join(", ")} or file` });

const SET = z.strictObject(
  { scope: name, mode, by: name, reason },
  { error: "an object with scope, mode, by and reason" },
);
const PROMOTE = z.strictObject(
  { runbook: name, group: name, by: name, override: reason.nullish() },
  { error: "an object with runbook, group and by, and override where something is missing" },
);
const ATTEST = z.strictObject(
  {
    runbook: name,
    runbookHash: name.nullish(),
    kind: z.enum(ATTESTATION_KINDS, { error: `one of ${ATTESTATION_KINDS.join(", ")}` }),
    passed: z.boolean({ error: "true or false" }),
    summary: reason,
    by: name,
  },
  { error: "an object with runbook, kind, passed, summary and by, and runbookHash for one certain version" },
);
const EVIDENCE = z.strictObject(
  { days: z.coerce.number({ error: "a number" }).min(0.01, "0.01 or more").max(3_660, "at most 3660").optional() },
  { error: "only days" },
);
const GATE = z.strictObject({ runbook: name, group: name }, { error: "runbook and group" });
const GIVE = z.strictObject(
  {
    runbook: name,
    group: name,
    by: name,
    reason,
    forMs: whole.max(YEAR_MS, "at most a year"),
    maxCount: whole.max(MOST_USES, `at most ${MOST_USES}`),
  },
  { error: "an object with runbook, group, by, reason, forMs and maxCount" },
);
const WITHDRAW = z.strictObject({ id: name, by: name }, { error: "an object with id and by" });

export function autonomyRoutes(deps: AppDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const limit = limitBody(MAX_BODY_BYTES);

  routes.get("/modes", async (context) => context.json(await modes.showModes(deps)));
  routes.post("/modes", limit, async (context) => {
    const wish = checked(SET, await readJson(context));
    const row = await modes.setMode(deps, wish);
    context.get("log").warn({ ...wish, now: row.mode }, "mode set");
    return context.json(row);
  });
  routes.get("/modes/evidence", async (context) => {
    const { days = null } = checked(EVIDENCE, context.req.query());
    return context.json({ evidence: await modes.showEvidence(deps, days) });
  });
  routes.get("/modes/gate", async (context) => {
    const { runbook, group } = checked(GATE, context.req.query());
    return context.json(await modes.showGate(deps, runbook, group));
  });
  routes.post("/modes/promote", limit, async (context) => {
    const { override = null, ...wish } = checked(PROMOTE, await readJson(context));
    const answer = await modes.promote(deps, { ...wish, override });
    context.get("log").warn({ ...wish, override, effective: answer.effective }, "runbook promoted");
    return context.json(answer);
  });
  routes.post("/modes/attestations", limit, async (context) => {
    const { runbookHash = null, ...wish } = checked(ATTEST, await readJson(context));
    return context.json(await modes.attest(deps, { ...wish, runbookHash }));
  });

  routes.get("/approvals/standing", async (context) => context.json({ standing: await standing.listStanding(deps) }));
  routes.post("/approvals/standing", limit, async (context) => {
    const wish = checked(GIVE, await readJson(context));
    const given = await standing.giveStanding(deps, wish);
    context.get("log").warn({ ...wish, id: given.id }, "standing approval given");
    return context.json(given);
  });
  routes.post("/approvals/standing/withdraw", limit, async (context) => {
    const { id, by } = checked(WITHDRAW, await readJson(context));
    const row = await standing.withdrawStanding(deps, id, by);
    context.get("log").warn({ id: row.id, by, used: row.used }, "standing approval withdrawn");
    return context.json(row);
  });
  return routes;
}
