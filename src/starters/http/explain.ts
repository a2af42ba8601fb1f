/** `POST /v1/explain`: why an alert, or a remediation, is decided as it is, with the facts of the record. */
import { z } from "zod";
import { explainAsked } from "../explain.ts";
import * as answers from "./answers.ts";
import { name } from "./fields.ts";
import { operation } from "./operation.ts";
import { requireInReach } from "./within-groups.ts";

const ASKED = z.union(
  [
    z.strictObject({ fingerprint: name }),
    z.strictObject({ remediation: name }),
    z.strictObject({ alert: z.looseObject({ labels: z.record(z.string(), z.string()) }) }),
  ],
  { error: "an object with one of fingerprint, remediation, and alert (with its labels)" },
);

export const EXPLAIN_OPERATIONS = [
  operation({
    method: "post",
    path: "/v1/explain",
    role: "viewer",
    tag: "alerts",
    summary: "Why an alert, or a remediation, is decided as it is",
    body: ASKED,
    bodyBytes: () => 64 * 1024,
    keeps: "no",
    answer: answers.EXPLAINED,
    problems: [403, 404],
    handle: async (deps, { body }) => {
      const answer = await explainAsked(deps, body);
      // Whoever writes an alert himself may name any target.
      if (answer.now.target !== null) requireInReach(answer.now.target.group);
      return answer;
    },
  }),
];
