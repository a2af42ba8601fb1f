/** What the stages of the first look share, so that nothing is asked or worked out twice. */
import { expect, it } from "vitest";
import { assess } from "../../src/activities/remediation/assess.ts";
import { classifiedBy } from "../../src/activities/remediation/classified.ts";
import type { ActivityDependencies } from "../../src/activities/dependencies.ts";
import { classify } from "../../src/catalogue/classify.ts";
import type { AssessRequest } from "../../src/contracts/activities.ts";
import { FAKE_ACTIONS } from "../support/actions.ts";
import { alertOf, catalogueOf, CONFIG } from "../catalogue/support.ts";

it("an alert is classified once by a version of the catalogue, and anew by another", () => {
  const [catalogue, edited] = [catalogueOf(), catalogueOf({ config: CONFIG.replace("web-team", "shop") })];
  const alert = alertOf();
  const first = classifiedBy(catalogue, alert);
  expect(first).toEqual(classify(catalogue, alert));
  expect(classifiedBy(catalogue, alert)).toBe(first);
  expect(classifiedBy(edited, alert)).toMatchObject({ kind: "matched", target: { owner: "shop" } });
  expect(classifiedBy(catalogue, alertOf({ host: "web-2" }))).toMatchObject({ target: { id: "web-2" } });
});

it("evidence is collected by the version that opened the episode, whatever was activated meanwhile", async () => {
  const catalogue = catalogueOf();
  const asked: string[] = [];
  const report = {
    ...FAKE_ACTIONS["disk.report"]!,
    perform: { observe: () => Promise.resolve({ state: "unknown", detail: "no answer" }) },
  };
  const deps = {
    record: {
      open: () => Promise.resolve({ kind: "opened" }),
      now: () => Promise.resolve("2026-11-21T02:12:00.000Z"),
      saveAssessment: () => Promise.resolve(null),
    },
    catalogues: {
      active: () => {
        asked.push("active");
        return Promise.resolve(catalogue);
      },
      version: (version: string) => {
        asked.push(version);
        return Promise.resolve(catalogue);
      },
    },
    ports: {
      probes: {
        "prometheus.query": { measure: () => Promise.resolve({ ok: true, measured: { value: 1 }, detail: "" }) },
      },
    },
    actions: { "disk.report": report },
  } as unknown as ActivityDependencies;
  const request: AssessRequest = {
    ...{ remediationId: "r1", target: { kind: "host", id: "web-1" }, workflowId: "heal:host:web-1", runId: "run" },
    alerts: [alertOf()],
  };
  expect(await assess(deps, request)).toMatchObject({
    kind: "assessed",
    confirmed: { reading: { state: "unhealthy" }, collected: null, detail: "disk.report: unknown: no answer" },
    decided: null,
  });
  expect(asked).toEqual(["active", catalogue.version]);
});
