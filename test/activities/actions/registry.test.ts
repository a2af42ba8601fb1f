import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ACTIONS } from "../../../src/activities/actions.ts";

describe("every action", () => {
  for (const [name, action] of Object.entries(ACTIONS)) {
    it(`${name} keeps the rules of an action`, () => {
      expect(action.name).toBe(name);
      expect(name).toMatch(/^[a-z]+\.[a-zA-Z]+$/);
      expect(action.version).toBeGreaterThan(0);
      expect(action.applyTimeoutMs).toBeLessThanOrEqual(30_000);
      // A plan step that only reads has nothing to submit; every other one has.
      expect(action.perform.apply === undefined).toBe(action.risk === "read");
      // What cannot be taken back must not claim an undo, and a gradual end needs an end.
      if (action.risk === "irreversible") expect(action.undo).toBeUndefined();
      if (action.ramped) expect(action.finishHealthy).toBeDefined();
    });

    it(`${name} has a strict input with a description of each field, as JSON Schema`, () => {
      const schema = z.toJSONSchema(action.input, { io: "input" });
      expect(schema.type).toBe("object");
      expect(schema.additionalProperties).toBe(false);
      for (const [field, one] of Object.entries(schema.properties ?? {})) {
        expect((one as { description?: string }).description, field).toBeTruthy();
      }
      expect(z.toJSONSchema(action.output).type).toBe("object");
    });
  }
});
