import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { effectKey, faultKey, parseEffectKey, parseWorkflowId, workflowId } from "../../src/contracts/ids.ts";

const part = fc.string({ minLength: 1, maxLength: 30 }).filter((text) => isWellFormed(text));

function isWellFormed(text: string): boolean {
  return text.isWellFormed();
}

describe("ids", () => {
  it("gives every target one workflow id and finds the target again", () => {
    fc.assert(
      fc.property(part, part, (kind, id) => {
        expect(parseWorkflowId(workflowId({ kind, id }))).toEqual({ kind, id });
      }),
    );
  });

  it("never gives two targets one workflow id", () => {
    fc.assert(
      fc.property(part, part, part, part, (kind, id, kind2, id2) => {
        fc.pre(kind !== kind2 || id !== id2);
        expect(workflowId({ kind, id })).not.toBe(workflowId({ kind: kind2, id: id2 }));
      }),
    );
  });

  it("refuses an empty target", () => {
    expect(() => workflowId({ kind: "host", id: "" })).toThrow(/id=""/);
    expect(() => workflowId({ kind: "", id: "web-1" })).toThrow(/kind=""/);
  });

  it("is not fooled by ids of others", () => {
    for (const id of ["", "heal:", "heal:host", "heal:host:", "heal:host:a:b", "watch:tickets"]) {
      expect(parseWorkflowId(id)).toBeNull();
    }
  });

  it("finds remediation, rung, step and direction in an idempotency key", () => {
    fc.assert(
      fc.property(
        part,
        part,
        part,
        fc.constantFrom("apply", "undo", "finishHealthy", "finishOtherwise"),
        (a, b, c, d) => {
          const ref = { remediationId: a, rung: b, step: c };
          expect(parseEffectKey(effectKey(ref, d))).toEqual({ ...ref, direction: d });
        },
      ),
    );
  });

  it("keeps the fault of another start apart", () => {
    const fault = { fingerprint: "9270d50ff1e9fea7", startsAt: "2026-11-21T02:11:03.124Z" };
    expect(faultKey(fault)).not.toBe(faultKey({ ...fault, startsAt: "2026-11-21T02:12:03.124Z" }));
  });
});
