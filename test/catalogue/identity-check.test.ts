import { describe, expect, it } from "vitest";
import { checkIdentity, unnamed } from "../../src/catalogue/identity-check.ts";
import { catalogueOf, edited, RUNBOOK } from "./support.ts";

const catalogue = catalogueOf();
const one = (labels: Record<string, string>) =>
  checkIdentity(catalogue, [{ alertname: "DiskFailing", device: "sda", ...labels }])[0];

describe("an alert that a runbook matches", () => {
  it.each([
    [{ host: "web-1" }, { target: "host/web-1", code: null, detail: 'runbook disk; host="web-1" is host web-1' }],
    [{ instance: "10.0.0.2:9100" }, { target: "host/web-2", rule: "host from host, instance" }],
    [{ host: "nobody" }, { target: null, code: "TARGET_UNKNOWN", detail: 'host="nobody" is no host of the inventory' }],
    [{ pod: "x" }, { target: null, code: "TARGET_EMPTY", hint: null }],
    [
      { host: "web-1", instance: "web-2" },
      { target: null, code: "TARGET_AMBIGUOUS", runbook: "disk" },
    ],
    [
      { node: "WEB-2.example.net:1" },
      { target: null, hint: 'node="WEB-2.example.net:1" is host web-2: put node into target.from of the runbook' },
    ],
  ])("%j", (labels, expected) => {
    expect(one(labels)).toMatchObject(expected);
  });

  it("without what its probe needs has its target all the same", () => {
    const [row] = checkIdentity(catalogue, [{ alertname: "DiskFailing", host: "web-1" }]);
    expect(row).toMatchObject({
      target: "host/web-1",
      code: null,
      detail: expect.stringContaining("has no value") as string,
    });
  });

  it("is counted once for each set of labels, and only those without a target fail", () => {
    const labels = { alertname: "DiskFailing", host: "nobody" };
    const rows = checkIdentity(catalogue, [
      labels,
      { alertname: "Other" },
      labels,
      { host: "nobody", alertname: "DiskFailing" },
    ]);
    expect(rows.map(({ alerts }) => alerts)).toEqual([3, 1]);
    expect(unnamed(rows)).toEqual([rows[0]]);
  });
});

it("an alert that no runbook matches is no fault, and says which target the rules would name", () => {
  expect(checkIdentity(catalogue, [{ alertname: "Other", host: "web-1" }])).toMatchObject([
    { runbook: null, target: "host/web-1", code: null },
  ]);
});

it("an alert that two runbooks match has no target", () => {
  const other = edited("alertname: DiskFailing", "severity: critical", edited("name: disk,", "name: other,"));
  const both = catalogueOf({ runbooks: [RUNBOOK, other] });
  expect(checkIdentity(both, [{ alertname: "DiskFailing", severity: "critical", host: "web-1" }])).toMatchObject([
    { code: "AMBIGUOUS_RUNBOOK", target: null, runbook: null },
  ]);
});
