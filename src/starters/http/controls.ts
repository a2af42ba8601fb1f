/** `/v1/pauses`, `/v1/queue`, `/v1/breakers`, `/v1/left-out`: how people steer the automation as a whole. */
import { z } from "zod";
import { pauseScope, resetBreaker, resumeWhat, targetBack } from "../controls.ts";
import { throughRecord } from "../problems.ts";
import * as answers from "./answers-automation.ts";
import { by, forMs, name, reason } from "./fields.ts";
import { operation } from "./operation.ts";

const PAUSE = z.strictObject(
  { scope: name, reason, by, forMs: forMs.nullish() },
  { error: "an object with scope, reason and by, and forMs where it ends by itself" },
);
const RESUME = z.strictObject({ what: name, by }, { error: "an object with what (a scope or an id) and by" });
const RESET = z.strictObject(
  { scope: name, reason, by, how: z.enum(["drop", "reEvaluate"], { error: '"drop" or "reEvaluate"' }) },
  { error: "an object with scope, reason, by and how" },
);
const BACK = z.strictObject({ target: name, reason, by }, { error: "an object with target, reason and by" });

const row = { tag: "automation" } as const;

export const CONTROL_OPERATIONS = [
  operation({
    ...row,
    method: "get",
    path: "/v1/pauses",
    role: "viewer",
    summary: "Pauses that are in force",
    answer: answers.PAUSES,
    handle: async ({ record }) => ({ pauses: await throughRecord("list the pauses", () => record.pauses()) }),
  }),
  operation({
    ...row,
    method: "post",
    path: "/v1/pauses",
    role: "operator",
    summary: "Let automation stand still in a scope",
    body: PAUSE,
    answer: answers.PAUSED,
    handle: async (deps, { body, log }) => {
      const { forMs: ms = null, ...wish } = body;
      const pause = await pauseScope(deps, { ...wish, forMs: ms });
      log.warn({ ...pause }, "paused");
      return pause;
    },
  }),
  operation({
    ...row,
    method: "post",
    path: "/v1/pauses/resume",
    role: "operator",
    summary: "Lift pauses",
    body: RESUME,
    answer: answers.RESUMED,
    problems: [404, 409],
    handle: async (deps, { body: { what, by: person }, log }) => {
      const answer = await resumeWhat(deps, what, person);
      log.warn({ what, by: person, hinted: answer.hinted }, "resumed");
      return answer;
    },
  }),
  operation({
    ...row,
    method: "get",
    path: "/v1/queue",
    role: "viewer",
    summary: "Who waits for admission, for what, and who holds it",
    answer: answers.QUEUE,
    handle: async ({ record }) => ({ queue: await throughRecord("list the queue", () => record.queue()) }),
  }),
  operation({
    ...row,
    method: "get",
    path: "/v1/leases",
    role: "viewer",
    summary: "Which remediation holds which scope",
    answer: answers.LEASES,
    handle: async ({ record }) => ({ leases: await throughRecord("list the leases", () => record.leases()) }),
  }),
  operation({
    ...row,
    method: "get",
    path: "/v1/breakers",
    role: "viewer",
    summary: "Breakers that are open",
    answer: answers.BREAKERS,
    handle: async ({ record }) => ({ breakers: await throughRecord("list the breakers", () => record.breakers()) }),
  }),
  operation({
    ...row,
    method: "post",
    path: "/v1/breakers/reset",
    role: "admin",
    summary: "Reset the breakers of a scope",
    body: RESET,
    answer: answers.BREAKERS_RESET,
    problems: [404],
    handle: async (deps, { body, log }) => {
      const answer = await resetBreaker(deps, body);
      log.warn({ ...body, dropped: answer.dropped.length, hinted: answer.hinted }, "breaker reset");
      return answer;
    },
  }),
  operation({
    ...row,
    method: "get",
    path: "/v1/left-out",
    role: "viewer",
    summary: "Targets that a closed remediation left out of service",
    answer: answers.LEFT_OUT,
    handle: async ({ record }) => ({ leftOut: await throughRecord("list who is left out", () => record.leftOut()) }),
  }),
  operation({
    ...row,
    method: "post",
    path: "/v1/left-out/back",
    role: "operator",
    summary: "Say that a target is back in service",
    body: BACK,
    answer: answers.BACK,
    problems: [404],
    handle: async (deps, { body, log }) => {
      const answer = await targetBack(deps, body);
      log.warn({ ...body, remediations: answer.remediations }, "target is back");
      return answer;
    },
  }),
];
