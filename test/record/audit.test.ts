import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../src/contracts/json.ts";
import type { AuditRow } from "../../src/record/api.ts";
import { verifyChain } from "../../src/record/audit.ts";
import { GENESIS, hashOf } from "../../src/record/audit/chain.ts";
import { canonicalJson } from "../../src/record/canonical.ts";

function chainOf(bodies: JsonObject[]): AuditRow[] {
  const rows: AuditRow[] = [];
  for (const [index, body] of bodies.entries()) {
    const previousHash = rows.at(-1)?.hash ?? GENESIS;
    const row = { remediationId: "r", seq: index + 1, at: `t${index}`, kind: "note", body, previousHash, hash: "" };
    rows.push({ ...row, hash: hashOf(row) });
  }
  return rows;
}

const bodies = fc.array(fc.dictionary(fc.string(), fc.jsonValue()) as fc.Arbitrary<JsonObject>, {
  minLength: 2,
  maxLength: 6,
});

describe("the audit chain", () => {
  it("holds as it was written, also after a trip through JSON and with keys in another order", () => {
    fc.assert(
      fc.property(bodies, (made) => {
        const rows = chainOf(made);
        const back = rows.map((row) => ({
          ...row,
          body: reversed(JSON.parse(JSON.stringify(row.body)) as JsonObject),
        }));
        expect(verifyChain(back, rows.at(-1)?.hash)).toEqual({ ok: true, head: rows.at(-1)?.hash });
      }),
    );
  });

  it("shows a changed field, a row that was taken out, put in or moved", () => {
    fc.assert(
      fc.property(
        bodies,
        fc.nat(),
        fc.constantFrom("at", "kind", "body", "remove", "repeat", "swap"),
        (made, seed, harm) => {
          const rows = chainOf(made);
          const index = seed % rows.length;
          const row = rows[index] as AuditRow;
          const head = (rows.at(-1) as AuditRow).hash;
          if (harm === "remove") rows.splice(index, 1);
          else if (harm === "repeat") rows.splice(index, 0, row);
          else if (harm === "swap") rows.unshift(rows.pop() as AuditRow);
          else rows[index] = { ...row, [harm]: harm === "body" ? { ...row.body, more: 1 } : "other" };
          expect(verifyChain(rows, head).ok).toBe(false);
        },
      ),
    );
  });

  it("shows a chain that was written anew from some row on, by the head that the Temporal history holds", () => {
    const head = chainOf([{ a: 1 }, { b: 2 }]).at(-1)?.hash;
    const forged = chainOf([{ a: 1 }, { b: 3 }]);
    expect(verifyChain(forged)).toMatchObject({ ok: true });
    expect(verifyChain(forged, head)).toMatchObject({
      ok: false,
      detail: expect.stringContaining("not in the chain") as string,
    });
    expect(verifyChain([], head)).toMatchObject({ ok: false });
    expect(verifyChain([])).toEqual({ ok: true, head: GENESIS });
  });

  it("gives one text for one value, however its keys are ordered", () => {
    fc.assert(
      fc.property(fc.jsonValue() as fc.Arbitrary<Json>, (value) => {
        expect(canonicalJson(reversed(value))).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

function reversed<T extends Json>(value: T): T {
  if (Array.isArray(value)) return value.map((inner) => reversed(inner)) as unknown as T;
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).reverse();
  return Object.fromEntries(entries.map(([key, inner]) => [key, reversed(inner)])) as T;
}
