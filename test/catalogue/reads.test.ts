/** What was compiled for one alert may be taken for another only where nothing can tell them apart. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Alert } from "../../src/contracts/alert.ts";
import { classify } from "../../src/catalogue/classify.ts";
import { considerSketch } from "../../src/catalogue/consider.ts";
import type { Catalogue, Runbook } from "../../src/catalogue/catalogue.ts";
import { readsOf } from "../../src/catalogue/reads.ts";
import { alertOf, catalogueOf, CONFIG, edited, RUNBOOK } from "./support.ts";

const DRAIN = 'with: { pool: "${{ target.pool }}" }';
const drained = (pool: string): string => edited(DRAIN, `with: { pool: '\${{ ${pool} }}' }`);
const runbookOf = ({ runbooks }: Catalogue): Runbook => runbooks[0] as Runbook;

function reading(runbook: string, config = CONFIG): (alert: Alert) => string {
  const catalogue = catalogueOf({ runbooks: [runbook], config });
  return readsOf(catalogue, runbookOf(catalogue));
}

describe("what a runbook reads of an alert", () => {
  it.each([
    ["a label of its probe", RUNBOOK, "device"],
    ["the severity, which every plan has", RUNBOOK, "severity"],
    ["a label that makes it a matter of security", RUNBOOK, "category"],
    ["a label of a step", drained("alert.labels.zone"), "zone"],
    ["a label in brackets", drained('alert.labels["zone"]'), "zone"],
    ["whether a label is there", drained('has(alert.labels.zone) ? "a" : "b"'), "zone"],
    ["all labels", drained('alert.labels.exists(name, name == "zone") ? "a" : "b"'), "zone"],
    ["a label of what it requires", edited("target.diskCount == 1", 'alert.labels.zone == "eu"'), "zone"],
  ])("is %s", (_what, runbook, label) => {
    const reads = reading(runbook);
    expect(reads(alertOf({ [label]: "one" }))).not.toBe(reads(alertOf({ [label]: "other" })));
  });

  it("is a label of a named probe, and of the SLI that it watches", () => {
    const probed = reading(RUNBOOK, edited("target.address", "alert.labels.zone", CONFIG));
    expect(probed(alertOf({ zone: "one" }))).not.toBe(probed(alertOf({ zone: "other" })));
    const watched = reading(RUNBOOK, edited('pool="${{ target.pool }}"', 'zone="${{ alert.labels.zone }}"', CONFIG));
    expect(watched(alertOf({ zone: "one" }))).not.toBe(watched(alertOf({ zone: "other" })));
  });

  it("is the source only where an expression asks for it", () => {
    const [one, other] = [alertOf(), { ...alertOf(), source: "elsewhere" }];
    expect(reading(RUNBOOK)(one)).toBe(reading(RUNBOOK)(other));
    const asks = reading(drained("alert.source"));
    expect(asks(one)).not.toBe(asks(other));
  });

  it("is nothing else: other labels, annotations and times make no difference", () => {
    const reads = reading(RUNBOOK);
    const other = {
      ...alertOf({ job: "node", instance: "web-1:9100" }),
      annotations: {},
      startsAt: "x",
      fingerprint: "y",
    };
    expect(reads(other)).toBe(reads(alertOf()));
  });
});

describe("alerts that a runbook cannot tell apart", () => {
  const labels = fc.dictionary(
    fc.constantFrom("device", "zone", "severity", "category", "job"),
    fc.constantFrom("a", "security", "critical"),
    {
      maxKeys: 5,
    },
  );
  const runbooks = [RUNBOOK, drained("alert.labels.zone"), drained('has(alert.labels.zone) ? "a" : "b"')];
  const catalogues = runbooks.map((runbook) => catalogueOf({ runbooks: [runbook] }));

  it("get the same probe, the same refusal, and the same plan", () => {
    fc.assert(
      fc.property(fc.constantFrom(...catalogues), labels, labels, (catalogue, some, others) => {
        const [one, other] = [alertOf(some), alertOf(others)];
        const reads = readsOf(catalogue, runbookOf(catalogue));
        fc.pre(reads(one) === reads(other));
        expect(said(catalogue, one)).toEqual(said(catalogue, other));
      }),
      { numRuns: 300, maxSkipsPerRun: 1_000 },
    );
  });

  function said(catalogue: Catalogue, alert: Alert) {
    const classified = classify(catalogue, alert);
    if (classified.kind !== "matched") return classified;
    return [classified.joinKey, classified.probe, considerSketch(catalogue, classified, [alert])];
  }
});
