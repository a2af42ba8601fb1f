import { describe, expect, it } from "vitest";
import type { OutsideRef } from "../../src/contracts/outside.ts";
import type { Ports } from "../../src/ports/ports.ts";
import { lookOutside } from "../../src/watchers/outside.ts";

const asked: string[] = [];

async function wordsFor(
  refs: OutsideRef[],
  active: string[],
  unhealthy: string[] | null,
): Promise<(string | undefined)[]> {
  asked.length = 0;
  const ports = {
    silences: { active: () => (asked.push("silences"), Promise.resolve(active.map((id) => ({ id })))) },
    leases: {
      held: () => (asked.push("leases"), Promise.resolve([{ target: { kind: "host", id: "w" }, holder: "awx" }])),
    },
  } as unknown as Ports;
  const look = lookOutside(({ kind, group }) => (asked.push(`${kind} ${group}`), Promise.resolve(unhealthy)));
  const texts = refs.map((ref) => JSON.stringify(ref));
  const words = await look(ports, texts);
  return texts.map((text) => words.get(text));
}

const NONE: OutsideRef = { silences: [], leases: [], health: null };
const silenced = (...silences: string[]): OutsideRef => ({ ...NONE, silences });
const leased = (...leases: string[]): OutsideRef => ({ ...NONE, leases });
const fewer = (fewerThan: number): OutsideRef => ({ ...NONE, health: { kind: "host", group: "web", fewerThan } });

describe("what waiters of the queue wait for outside", () => {
  it.each([
    ["a silence that is there", silenced("s1"), undefined],
    ["one of two that is there", silenced("s1", "s2"), undefined],
    ["a silence that is over", silenced("s2"), "better"],
    ["a lease that is there", leased("host/w awx"), undefined],
    ["a lease that is gone", leased("host/w capi"), "better"],
    ["as many unhealthy as before", fewer(2), undefined],
    ["fewer", fewer(3), "better"],
  ])("%s", async (_what, ref, word) => {
    expect(await wordsFor([ref], ["s1"], ["web-2", "web-3"])).toEqual([word]);
  });

  it("is asked for once, whoever waits, and not at all where nobody waits for it", async () => {
    await wordsFor([silenced("s1"), silenced("s2"), leased("a"), leased("b"), fewer(1), fewer(2)], [], []);
    expect(asked).toEqual(["silences", "leases", "host web"]);
    await wordsFor([fewer(1)], [], []);
    expect(asked).toEqual(["host web"]);
  });

  it("concludes nothing from what could not be read", async () => {
    expect(await wordsFor([fewer(9)], [], null)).toEqual([undefined]);
    const look = lookOutside(() => Promise.resolve([]));
    expect([...(await look({} as Ports, ["not JSON"]))]).toEqual([]);
  });
});
