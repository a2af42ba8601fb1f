import { expect, it } from "vitest";
import { explanationText } from "../../src/cli/explain-text.ts";
import type { ExplainAnswer } from "../../src/starters/explain.ts";

const textOf = (outcome: "escalated" | null): string =>
  explanationText({
    recorded: { remediationId: "r-1", outcome, verdict: null, planHash: null },
    now: {
      alert: { fingerprint: "f", labels: {} },
      rules: [],
      classification: { code: "OK", detail: "" },
      target: null,
      facts: [],
      guardrails: null,
      plan: null,
      would: { outcome: "escalate", detail: "" },
      catalogue: "c",
    },
  } as unknown as ExplainAnswer);

it("says that nothing was decided yet only of what is still open", () => {
  expect(textOf(null)).toContain("open; nothing was decided yet");
  expect(textOf("escalated")).toContain("escalated; closed without a verdict");
});
