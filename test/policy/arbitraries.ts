/** Whatever goes on around a target, for properties of decisions. */
import fc from "fast-check";
import type { Breaker } from "../../src/contracts/facts.ts";
import type { SurroundingFacts } from "../../src/contracts/surroundings.ts";
import { ago, HOUR_MS, NOW } from "./support.ts";

/** Near now, or none. */
export const time = fc.oneof(fc.integer({ min: -48 * HOUR_MS, max: 48 * HOUR_MS }).map(ago), fc.constant("not a time"));

/** Of windows, silences and holds what is there may be over or to come. */
export function surroundingFacts(): fc.Arbitrary<SurroundingFacts> {
  const some = { id: "w1", kind: "deploy", scope: "group:web", reason: "", by: "ann" } as const;
  const open = fc.array(
    fc.record({ from: time, until: time }).map((times) => ({ ...some, ...times })),
    { maxLength: 2 },
  );
  const silence = fc.record({ id: fc.constant("s1"), by: fc.string(), comment: fc.string(), endsAt: time });
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const slo = fc.record({ window: share, recent: share });
  const latch: Breaker = { id: "b3", kind: "correlation", scope: "rack:r1", reason: "", trippedAt: NOW };
  const lease = { id: fc.constant("host/web-1 capi"), holder: fc.constant("capi"), reason: fc.string() };
  const hold = { id: "h1", holder: "awx", reason: "", since: NOW };
  return fc.record({
    windows: open,
    dependencyWindows: open,
    busy: fc.subarray([{ scope: "target:host:db-1", targets: ["host/db-1"], held: 1 }]),
    silences: fc.option(
      fc.record({ at: time, value: fc.option(fc.array(silence, { maxLength: 2 })), detail: fc.string() }),
    ),
    leases: fc.option(
      fc.record({
        at: time,
        value: fc.option(fc.array(fc.record({ ...lease, until: fc.option(time) }), { maxLength: 2 })),
        detail: fc.string(),
      }),
    ),
    slos: fc.dictionary(fc.constant("shop"), fc.record({ at: time, value: fc.option(slo), detail: fc.string() })),
    holds: fc.array(
      fc.option(time).map((until) => ({ ...hold, until })),
      { maxLength: 2 },
    ),
    correlated: fc.dictionary(fc.constant("rack:r1"), fc.nat(6)),
    latches: fc.subarray([latch]),
    alertedAt: fc.option(time),
  });
}
