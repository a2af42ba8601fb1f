import { describe, expect, it } from "vitest";
import type { Alert } from "../../src/contracts/alert.ts";
import { faultKey } from "../../src/contracts/ids.ts";
import { Inbox, MAX_FAULTS, MAX_INBOX_LENGTH } from "../../src/workflows/inbox.ts";

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

  it("keeps no more of large alerts than one request to an activity can carry, and takes more once some are settled", () => {
    const inbox = new Inbox();
    const large = (name: string) => alert(name, { annotations: { runbook: "x".repeat(15_000) } });
    for (let i = 0; i < MAX_FAULTS; i++) inbox.push(message(large(`f${i}`)));
    const { faults, dropped } = inbox.state();
    expect(JSON.stringify(faults.map((fault) => fault.alert)).length).toBeLessThanOrEqual(
      MAX_INBOX_LENGTH + MAX_FAULTS,
    );
    expect(dropped).toBe(MAX_FAULTS - faults.length);
    inbox.settle(faults.map((fault) => fault.key));
    inbox.push(message(large("later")));
    expect(inbox.joined("j")).toHaveLength(1);
  });

  it("tells once in a run that something came which names no fault, and has no other work for it", () => {
    const inbox = new Inbox();
    for (const given of [null, {}, { alert: null }, 7]) inbox.push(given);
    expect([inbox.hasWork(), inbox.hasNameless()]).toEqual([false, true]);
    expect(inbox.takeNameless()).toMatch(/^remediationId: expected/);
    inbox.push(null);
    expect([inbox.takeNameless(), inbox.hasNameless()]).toEqual([null, false]);
  });
});
