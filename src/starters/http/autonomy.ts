/** `/v1/modes` and `/v1/approvals/standing`: how much the automation may do by itself. */
import { z } from "zod";
import { ATTESTATION_KINDS, MODES } from "../../contracts/autonomy.ts";
import * as modes from "../modes.ts";
import * as standing from "../standing.ts";
import * as answers from "./answers-automation.ts";
import { by, name, reason, whole, YEAR_MS } from "./fields.ts";
import { operation } from "./operation.ts";

const MOST_USES = 10_000;

const mode = z.enum([...MODES, "file"], { error: `one of ${MODES.join(", ")} or file` });
const days = z.coerce
  .number({ error: "a number" })
  .min(0.01, "0.01 or more")
  .max(3_660, "at most 3660")
  .optional()
  .meta({ type: "number", minimum: 0.01, maximum: 3_660, description: "Default: as selfheal.yaml says" });

const SET = z.strictObject({ scope: name, mode, by, reason }, { error: "an object with scope, mode, by and reason" });
const PROMOTE = z.strictObject(
  { runbook: name, group: name, by, override: reason.nullish() },
  { error: "an object with runbook, group and by, and override where something is missing" },
);
const ATTEST = z.strictObject(
  {
    runbook: name,
    runbookHash: name.nullish(),
    kind: z.enum(ATTESTATION_KINDS, { error: `one of ${ATTESTATION_KINDS.join(", ")}` }),
    passed: z.boolean({ error: "true or false" }),
    summary: reason,
    by,
  },
  { error: "an object with runbook, kind, passed, summary and by, and runbookHash for one certain version" },
);
const GIVE = z.strictObject(
  {
    runbook: name,
    group: name,
    by,
    reason,
    forMs: whole.max(YEAR_MS, "at most a year"),
    maxCount: whole.max(MOST_USES, `at most ${MOST_USES}`),
  },
  { error: "an object with runbook, group, by, reason, forMs and maxCount" },
);

const row = { tag: "autonomy" } as const;

export const AUTONOMY_OPERATIONS = [
  operation({
    ...row,
    method: "get",
    path: "/v1/modes",
    role: "viewer",
    everywhere: true,
    summary: "The mode of each place, and what counts for each runbook in each group",
    answer: answers.MODES_SHOWN,
    handle: (deps) => modes.showModes(deps),
  }),
  operation({
    ...row,
    method: "post",
    path: "/v1/modes",
    role: "admin",
    summary: "Set the mode of a place; lifting one takes a person who may approve",
    body: SET,
    answer: answers.MODE_ROW,
    problems: [403, 409],
    handle: async (deps, { body, log }) => {
      const set = await modes.setMode(deps, body);
      log.warn({ ...body, now: set.mode }, "mode set");
      return set;
    },
  }),
  operation({
    ...row,
    method: "get",
    path: "/v1/modes/evidence",
    role: "viewer",
    everywhere: true,
    summary: "What runbooks would have done, and how often people agreed",
    query: z.strictObject({ days }, { error: "only days" }),
    answer: answers.EVIDENCE,
    handle: async (deps, { query }) => ({ evidence: await modes.showEvidence(deps, query.days ?? null) }),
  }),
  operation({
    ...row,
    method: "get",
    path: "/v1/modes/gate",
    role: "viewer",
    everywhere: true,
    summary: "What a runbook has shown for mode auto in a group, and what is missing",
    query: z.strictObject({ runbook: name, group: name }, { error: "runbook and group" }),
    answer: answers.GATE_SHOWN,
    handle: (deps, { query }) => modes.showGate(deps, query.runbook, query.group),
  }),
  operation({
    ...row,
    method: "post",
    path: "/v1/modes/promote",
    role: "admin",
    summary: "Let a runbook act by itself in a group",
    body: PROMOTE,
    answer: answers.PROMOTED,
    problems: [403, 409],
    handle: async (deps, { body, log }) => {
      const { override = null, ...wish } = body;
      const answer = await modes.promote(deps, { ...wish, override });
      log.warn({ ...wish, override, effective: answer.effective }, "runbook promoted");
      return answer;
    },
  }),
  operation({
    ...row,
    method: "post",
    path: "/v1/modes/attestations",
    role: "operator",
    everywhere: true,
    summary: "Say what was tried before a promotion",
    body: ATTEST,
    answer: answers.ATTESTED,
    problems: [403],
    handle: (deps, { body: { runbookHash = null, ...wish } }) => modes.attest(deps, { ...wish, runbookHash }),
  }),
  operation({
    ...row,
    method: "get",
    path: "/v1/approvals/standing",
    role: "viewer",
    summary: "Standing approvals, newest first",
    answer: answers.STANDING,
    handle: async (deps) => ({ standing: await standing.listStanding(deps) }),
  }),
  operation({
    ...row,
    method: "post",
    path: "/v1/approvals/standing",
    role: "admin",
    summary: "Approve plans of one version of a runbook on one group beforehand",
    body: GIVE,
    answer: answers.STANDING_GIVEN,
    problems: [403, 409],
    handle: async (deps, { body, log }) => {
      const given = await standing.giveStanding(deps, body);
      log.warn({ ...body, id: given.id }, "standing approval given");
      return given;
    },
  }),
  operation({
    ...row,
    method: "post",
    path: "/v1/approvals/standing/withdraw",
    role: "admin",
    summary: "Take a standing approval back",
    body: z.strictObject({ id: name, by }, { error: "an object with id and by" }),
    answer: answers.STANDING_ROW,
    problems: [404, 409],
    handle: async (deps, { body, log }) => {
      const withdrawn = await standing.withdrawStanding(deps, body.id, body.by);
      log.warn({ id: withdrawn.id, by: body.by, used: withdrawn.used }, "standing approval withdrawn");
      return withdrawn;
    },
  }),
];
