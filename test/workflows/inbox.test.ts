import { describe, expect, it } from "vitest";
import type { Alert } from "../../src/contracts/alert.ts";
import { faultKey } from "../../src/contracts/ids.ts";
import { Inbox, MAX_FAULTS } from "../../src/workflows/inbox.ts";

function alert(fingerprint: string, extra: Partial<Alert> = {}): Alert {
  return {
    fingerprint,
    status: "firing",
    labels: { alertname: "SmartDiskFailing", severity: "warning" },
    annotations: {},
    startsAt: "2026-11-21T02:11:03.124Z",
    endsAt: null,
    source: "alertmanager",
    receivedAt: "2026-11-21T02:11:04.000Z",
    ...extra,
  };
}
const message = (one: Alert, joinKey = "j") => ({ alert: one, remediationId: `r-${one.fingerprint}`, joinKey });

describe("inbox", () => {
  it("keeps one fault however often it comes", () => {
    const inbox = new Inbox();
    for (let i = 0; i < 1000; i++) inbox.push(message(alert("a")));
    expect(inbox.joined("j")).toHaveLength(1);
  });

  it("has no work left when every fault was resolved", () => {
    const inbox = new Inbox();
    inbox.push(message(alert("a")));
    inbox.push(message(alert("a", { status: "resolved" })));
    expect(inbox.hasWork()).toBe(false);
    expect(inbox.first()).toBeNull();
  });

  it("does not open an episode for a resolved alert that it never saw firing", () => {
    const inbox = new Inbox();
    inbox.push(message(alert("a", { status: "resolved" })));
    expect(inbox.hasWork()).toBe(false);
  });

  it("takes the most severe fault first", () => {
    const inbox = new Inbox();
    inbox.push(message(alert("a")));
    inbox.push(message(alert("b", { labels: { severity: "critical" } }), "k"));
    expect(inbox.first()?.remediationId).toBe("r-b");
  });

  it("does not start again at a repeat of a decided fault, but does at a new start of it", () => {
    const inbox = new Inbox();
    inbox.push(message(alert("a")));
    inbox.settle([faultKey(alert("a"))]);
    inbox.push(message(alert("a")));
    expect(inbox.hasWork()).toBe(false);
    inbox.push(message(alert("a", { startsAt: "2026-11-21T05:00:00.000Z" })));
    expect(inbox.hasWork()).toBe(true);
  });

  it("stays bounded under a flood of different faults and survives continue-as-new", () => {
    const inbox = new Inbox();
    for (let i = 0; i < MAX_FAULTS + 50; i++) inbox.push(message(alert(`f${i}`)));
    expect(inbox.state().faults).toHaveLength(MAX_FAULTS);
    expect(inbox.state().dropped).toBe(50);
    const next = new Inbox(inbox.state());
    expect(next.state()).toEqual(inbox.state());
  });
});
