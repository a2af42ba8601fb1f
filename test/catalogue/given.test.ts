import { expect, it } from "vitest";
import { ACTIONS } from "../../src/activities/actions.ts";
import { isDuration } from "../../src/catalogue/inputs.ts";
import { shapeOf } from "../../src/catalogue/issues.ts";
import { DURATION_INPUTS, givenText } from "../../src/catalogue/given.ts";

it("shows a duration as people write it, never rounded, and everything else as it is", () => {
  const shown = (ms: number): string => givenText("monitoring.silence", { for: ms, comment: "1000" });
  expect(shown(108_000_000)).toBe('{"for":"30h","comment":"1000"}');
  expect([5_400_000, 90_000, 172_800_000, 1_001, 1].map((ms) => shown(ms).slice(8, -19))).toEqual([
    "90m",
    "90s",
    "2d",
    "1001ms",
    "1ms",
  ]);
  expect(givenText("monitoring.silence", { for: "{{ steps.look.ms }}" })).toBe('{"for":"{{ steps.look.ms }}"}');
  expect(givenText("host.reboot", { for: 1_000 })).toBe('{"for":1000}');
});

it("knows each input of an action that is a duration", () => {
  const durations = Object.entries(ACTIONS).flatMap(([name, { input }]) => {
    const fields = Object.entries(shapeOf(input)).filter(([field, schema]) => isDuration(field, schema));
    return fields.length === 0 ? [] : [[name, fields.map(([field]) => field)]];
  });
  expect(DURATION_INPUTS).toEqual(Object.fromEntries(durations));
});
