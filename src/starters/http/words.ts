/** What people say of remediations: ask for one, decide, take it over, review it, settle what nobody works on. */
import { z } from "zod";
import { REVIEW_VERDICTS } from "../../contracts/autonomy.ts";
import { WORDS } from "../../contracts/ballot.ts";
import { COMMANDS, spelled } from "../../contracts/remediation.ts";
import type { Role } from "../../contracts/roles.ts";
import { decide, tokenFor, type DecisionKind } from "../decisions.ts";
import { recover, releaseLeases } from "../recoveries.ts";
import { requestRemediation } from "../requests.ts";
import { review } from "../reviews.ts";
import * as answers from "./answers.ts";
import { withRole } from "./auth.ts";
import { by, name, reason } from "./fields.ts";
import { operation, type AnyOperation } from "./operation.ts";

const DECISION = z.strictObject(
  {
    by,
    reason: z.string({ error: "a text" }).max(500, "at most 500 characters").nullish(),
    planHash: name.nullish().describe("Of the plan that was looked at: needed to approve"),
    at: name.nullish().describe("Of a takeover's command: where it stood when the person looked"),
    result: z
      .record(z.string(), z.json(), { error: "an object" })
      .nullish()
      .describe("Of mark-done: what the step gave"),
    via: z.enum(["api", "cli"], { error: '"api" or "cli"' }).optional(),
  },
  { error: "an object with by, and planHash, reason, at, result, via where they are needed" },
);

const TOKEN_DECISIONS = [...WORDS, ...COMMANDS] as const;
const LONGEST_TOKEN_SECONDS = 7 * 24 * 3600;
const TOKEN = z.strictObject(
  {
    by,
    decision: z.enum(TOKEN_DECISIONS, { error: `one of ${TOKEN_DECISIONS.join(", ")}` }),
    planHash: name.nullish(),
    expiresInSeconds: z
      .number({ error: "a number" })
      .int("a whole number")
      .min(1, "1 or more")
      .max(LONGEST_TOKEN_SECONDS, `at most ${LONGEST_TOKEN_SECONDS}`)
      .nullish(),
  },
  { error: "an object with by and decision, and planHash, expiresInSeconds where they are needed" },
);
const label = z.string({ error: "a text" }).max(1_000, "at most 1000 characters");
const REQUEST = z.strictObject(
  {
    labels: z
      .record(z.string().min(1), label, { error: "an object of texts" })
      .refine((all) => "alertname" in all, { error: "labels with an alertname" })
      .meta({ required: ["alertname"] }),
    by,
    reason,
  },
  { error: "an object with labels, by and reason" },
);
const REVIEW = z.strictObject(
  {
    verdict: z.enum(REVIEW_VERDICTS, { error: `one of ${REVIEW_VERDICTS.join(", ")}` }),
    by,
    reason: reason.nullish(),
  },
  { error: "an object with verdict and by, and reason" },
);

const row = { tag: "remediations" } as const;
const ONE = "/v1/remediations/{id}";

const DOES: Record<DecisionKind, string> = {
  approve: "Approve the plan that waits for it",
  reject: "Reject the plan: the remediation ends without acting",
  withdraw: "Take an approval back, while it waits for those of others",
  cancel: "End it: what can be undone is undone, the target goes to its safe state",
  take: "Take it over: it stands still at its next safe point",
  retry: "Of who holds it: try again what it stands at",
  skip: "Of who holds it: go on without the step it stands at",
  markDone: "Of who holds it: what it stands at is done",
  release: "Of who holds it: it goes on by itself",
  end: "Of who holds it: end it, the target goes to its safe state",
};

function decision(kind: DecisionKind, role: Role): AnyOperation {
  return operation({
    ...row,
    method: "post",
    path: `${ONE}/${spelled(kind)}`,
    role,
    summary: DOES[kind],
    body: DECISION,
    answer: answers.DECIDED,
    problems: [404, 409],
    handle: async (deps, { params, body, log }) => {
      const { by: person, reason: why = null, planHash = null, at = null, result = null, via = "api" } = body;
      const wish = { kind, id: params["id"] ?? "", by: person, reason: why, planHash, at, result, via };
      const answer = await decide(deps, wish);
      const { remediationId, target } = answer;
      log.info({ remediationId, target, decision: kind, by: person, via, planHash }, "decision taken");
      return answer;
    },
  });
}

export const WORD_OPERATIONS: AnyOperation[] = [
  operation({
    ...row,
    method: "post",
    path: "/v1/remediations",
    role: "operator",
    summary: "Ask for a remediation as if the alert had come; somebody else must approve it",
    body: REQUEST,
    answer: answers.ALERT_RESULT,
    problems: [403],
    handle: async (deps, { body, log }) => {
      const answer = await requestRemediation(deps, body);
      log.info({ ...answer, by: body.by }, "a person asked for a remediation");
      return answer;
    },
  }),
  ...WORDS.map((kind) => decision(kind, "approver")),
  ...(["cancel", ...COMMANDS] as const).map((kind) => decision(kind, "operator")),
  operation({
    ...row,
    method: "post",
    path: `${ONE}/review`,
    role: "operator",
    summary: "Say of a closed remediation whether it was right",
    body: REVIEW,
    answer: answers.REVIEWED,
    problems: [403, 404, 409],
    handle: async (deps, { params, body, log }) => {
      const answer = await review(deps, { ...body, reason: body.reason ?? "", id: params["id"] ?? "" });
      log.info({ ...answer, by: body.by }, "remediation reviewed");
      return answer;
    },
  }),
  operation({
    ...row,
    method: "post",
    path: `${ONE}/token`,
    role: "viewer",
    summary: "A one-time token to decide with by a signal, past the API",
    description:
      "It takes the role of what it is for: approver for a word on a plan, operator for a takeover's command.",
    body: TOKEN,
    keeps: "secret",
    answer: answers.TOKEN_ISSUED,
    problems: [404, 409],
    handle: async (deps, { params, body, log, context }) => {
      const { by: person, decision: kind, planHash = null, expiresInSeconds = null } = body;
      const ttlMs = expiresInSeconds === null ? null : expiresInSeconds * 1000;
      const wish = { id: params["id"] ?? "", by: person, decision: kind, planHash, ttlMs };
      const role = (WORDS as readonly string[]).includes(kind) ? "approver" : "operator";
      const answer = await withRole(context, role, () => tokenFor(deps, wish));
      const { remediationId, expiresAt } = answer;
      log.info({ remediationId, decision: kind, by: person, expiresAt }, "one-time token given out");
      context.header("cache-control", "no-store");
      return answer;
    },
  }),
  operation({
    ...row,
    method: "post",
    path: `${ONE}/recover`,
    role: "operator",
    summary: "Have a remediation settled whose workflow is gone",
    body: z.strictObject({ by }, { error: "an object with by" }),
    answer: answers.SETTLED,
    problems: [404, 409],
    handle: async (deps, { params, body, log }) => {
      const answer = await recover(deps, params["id"] ?? "", body.by);
      log.info({ ...answer, ...body }, "a person settles what nobody works on");
      return answer;
    },
  }),
  operation({
    ...row,
    method: "post",
    path: `${ONE}/release-leases`,
    role: "operator",
    summary: "Release the leases of a closed remediation, because somebody has looked",
    body: z.strictObject({ by, reason }, { error: "an object with by and reason" }),
    answer: answers.SETTLED,
    problems: [404, 409],
    handle: async (deps, { params, body, log }) => {
      const answer = await releaseLeases(deps, params["id"] ?? "", body.by, body.reason);
      log.info({ ...answer, ...body }, "a person settles what nobody works on");
      return answer;
    },
  }),
];
