import { describe, expect, test } from "vitest";
import { storyText } from "../../src/cli/story-text.ts";
import type { JsonObject } from "../../src/contracts/json.ts";
import type { AuditRow } from "../../src/record/api.ts";
import type { EffectRow } from "../../src/record/api-effects.ts";
import { storyPage } from "../../src/starters/http/story-page.ts";
import { storyOf } from "../../src/starters/story/story.ts";
import { sentText, wordsOf } from "../../src/starters/story/words.ts";
import { ID, row, story } from "../cli/support/story.ts";

const AT = (minute: number) => `2026-11-21T10:0${minute}:00.000Z`;
const entry = (minute: number, kind: string, body: JsonObject): AuditRow => {
  return { remediationId: ID, seq: minute + 1, at: AT(minute), kind, body, previousHash: "", hash: "" };
};
const reading = (state: string, reason: string) => ({
  probe: "probe",
  state,
  reason,
  measured: { value: 1 },
  at: AT(1),
});

const [drain] = story().effects as [EffectRow];
const settled = (minute: number, state: string, detail: string) =>
  entry(minute, "effectSettled", { key: "k", action: "loadbalancer.drain", direction: "apply", state, detail });

/** A whole one, from the alert to the end. */
const told = {
  ...story(),
  remediation: row({ phase: "closed", outcome: "healed", detail: "back in the pool", closedAt: AT(9) }),
  decisions: [
    { decision: "approve", by: "ada", via: "page", at: AT(3), planHash: "abc", status: "counted", reason: "looked" },
  ],
  effects: [
    { ...drain, result: { ticketId: "42", url: "https://rt/42" } },
    { ...drain, key: "k/undo", direction: "undo" as const, detail: "taken back", intentAt: AT(6), settledAt: AT(7) },
  ],
  audit: [
    entry(0, "opened", { runbook: "disk-replacement" }),
    entry(1, "confirmed", { reading: reading("unhealthy", "value 1 at 10:01") }),
    entry(1, "collected", { collected: { disk: { serial: "S-1" } } }),
    settled(4, "pending", "3 sessions left"),
    settled(5, "happened", "no sessions left"),
    entry(6, "command", { command: "take", by: "bob", via: "cli", reason: "I look", status: "counted", detail: "" }),
    entry(8, "read", { phase: "verify", readings: [reading("healthy", "value 0 at 10:08")] }),
    entry(9, "closed", { outcome: "healed", detail: "back in the pool" }),
  ],
};

describe("a story", () => {
  const made = storyOf(told);

  test("has what was known, decided, done, read back and verified, each once", () => {
    expect(made).toMatchObject({
      durationMs: 540_000,
      confirmed: [{ phase: "confirm", state: "unhealthy", reason: "value 1 at 10:01" }],
      evidence: { disk: { serial: "S-1" } },
      people: [
        { word: "approve", by: "ada", via: "page", status: "counted", at: AT(3) },
        { word: "take", by: "bob", via: "cli", reason: "I look", at: AT(6) },
      ],
      verified: [{ phase: "verify", state: "healthy" }],
      tickets: [{ id: "42", url: "https://rt/42" }],
    });
    expect(made.effects).toMatchObject([
      {
        key: "k",
        durationMs: 4_000,
        readings: [
          { state: "pending", detail: "3 sessions left" },
          { state: "happened", detail: "no sessions left" },
        ],
      },
    ]);
    expect(made.undone).toMatchObject([{ key: "k/undo", direction: "undo" }]);
  });

  test("is in order of time", () => {
    const times = made.timeline.map(({ at }) => at);
    expect(times).toEqual(times.toSorted());
    expect(made.timeline[0]?.what).toBe("alert firing: SmartDiskFailing (came 3 times)");
    expect(made.timeline.at(-1)?.what).toBe("closed: healed: back in the pool");
  });

  test("says the same as text and as a page", async () => {
    const text = storyText(made, Date.parse(AT(9)));
    const page = String(await storyPage(made, null, null));
    const unescaped = page.replaceAll("&quot;", '"').replaceAll("&#39;", "'");
    for (const part of [
      ...["SmartDiskFailing", "APPROVAL_REQUIRED", "a rebuild wipes", "loadbalancer.drain", "no sessions left"],
      ...["taken back", "value 1 at 10:01", "value 0 at 10:08", "https://rt/42", "http://ui/workflows/1", ID],
      ...["approve by ada (page)", "take by bob (cli)", "no route to host", "back in the pool", "tickets 42", "9m"],
    ]) {
      expect(text).toContain(part);
      expect(unescaped).toContain(part);
    }
  });

  test("makes no link of an address that is none of the web's", async () => {
    const effects = [{ ...drain, result: { ticketId: "42", url: "javascript:alert(1)" } }];
    expect(String(await storyPage(storyOf({ ...told, effects }), null, null))).not.toContain("javascript:");
  });
});

test("a kind that nobody wrote a sentence for is shown as it is; long ones are clipped", () => {
  expect(wordsOf("novelty", { a: 1 })).toBe('novelty {"a":1}');
  expect(wordsOf("closed", { outcome: "failed", detail: "x".repeat(500) })).toHaveLength(200);
  expect(wordsOf("verdict", { outcome: "act", results: "nonsense" })).toBe("decided: act");
});

test.each([
  ["escalationHeld", { until: AT(9) }, `people are told at the end of the window: ${AT(9)}`],
  ["channelTook", { channel: "chat", key: "k", error: null }, "the channel chat took the message"],
  ["channelFailed", { channel: "chat", error: "503" }, "the channel chat did not take the message: 503"],
  ["tokenIssued", { person: "ada", decision: "approve", via: "cli" }, "a one-time token for ada to approve (by cli)"],
  ["admitted", { scopes: ["group:web", "rack:r1"] }, "admitted, with leases on group:web, rack:r1"],
])("%s is a sentence, too", (kind, body, sentence) => {
  expect(wordsOf(kind, body)).toBe(sentence);
});

test("a message that a window keeps back is not called unsent", () => {
  const unsent = { sentAt: null, error: null, keptUntil: null };
  expect(sentText(unsent)).toBe("NOT SENT");
  expect(sentText({ ...unsent, error: "503" })).toBe("NOT SENT (503)");
  expect(sentText({ ...unsent, keptUntil: AT(9) })).toBe(`kept back until ${AT(9)}, the end of a window`);
  expect(sentText({ ...unsent, keptUntil: AT(8), sentAt: AT(9) })).toBe("sent");
});
