import { expect, test } from "vitest";
import { reconcile, type Exception } from "../../../src/cli/reconcile/reconcile.ts";
import { reconciliationText } from "../../../src/cli/reconcile/text.ts";
import {
  alert,
  at,
  type Books,
  books,
  change,
  effect,
  faultOf,
  idOf,
  keyOf,
  remediation,
  workflowOf,
} from "./support.ts";

const exceptionsOf = (facts: Books): Exception[] => reconcile(facts).checks.flatMap(({ exceptions }) => exceptions);

test("books that agree are in order, and what is left to a person is named with the next command", () => {
  const result = reconcile(books());
  expect(result.ok).toBe(true);
  const named = result.checks.flatMap(({ check, exceptions }) =>
    exceptions.map(({ kind, about, sentence, next }) => ({ check, kind, about, sentence, next })),
  );
  const common = { kind: "person", about: "web-2 id-of-web-2", next: "selfheal remediation show id-of-web-2" };
  expect(named).toEqual([
    { ...common, check: "remediations", sentence: "escalated: the reinstall failed" },
    { ...common, check: "hosts", sentence: "drained until a person has proven it healthy" },
    { ...common, check: "tickets", sentence: "ticket 2 is left to a person" },
  ]);
});

/** What is spoiled → what must be found. */
const SPOILED: Record<string, [(facts: Books) => void, Pick<Exception, "kind" | "about"> & { sentence: RegExp }]> = {
  "an accepted alert that the record does not have": [
    ({ world }) => world.accepted.push({ faultKey: faultOf("web-3"), status: "firing", target: "web-3" }),
    { kind: "lost", about: `web-3 firing ${faultOf("web-3")}`, sentence: /record does not have it/ },
  ],
  "an accepted repeat that was not counted": [
    ({ world }) => world.accepted.push(...[...world.accepted].slice(0, 1)),
    { kind: "lost", about: `web-1 firing ${faultOf("web-1")}`, sentence: /accepted 3 times, but the record has it 2/ },
  ],
  "an alert of which no workflow was told": [
    ({ record }) => record.alerts.push(alert("web-3", { disposition: "received", remediationId: null })),
    { kind: "leftBehind", about: `web-3 firing ${faultOf("web-3")}`, sentence: /no workflow was told/ },
  ],
  "a fault without a remediation": [
    ({ record }) => record.alerts.push(alert("web-3", { remediationId: null })),
    { kind: "lost", about: `web-3 ${faultOf("web-3")}`, sentence: /no remediation has it/ },
  ],
  "a fault with two remediations": [
    ({ record }) => record.remediations.push(remediation("web-1", { remediationId: "second", openedAt: at(101) })),
    { kind: "doubled", about: "web-1 second", sentence: /had one already: id-of-web-1, second/ },
  ],
  "a remediation that never closed": [
    ({ record, temporal }) => {
      Object.assign(record.remediations[0] as object, { closedAt: null, outcome: null, phase: "act" });
      temporal.workflows.set(workflowOf("web-1"), { state: "running", taskAttempt: 0, activity: null });
    },
    { kind: "leftBehind", about: "web-1 id-of-web-1", sentence: /still open \(act: .*\); its workflow runs/ },
  ],
  "an open remediation whose workflow is gone": [
    ({ record, temporal }) => {
      Object.assign(record.remediations[0] as object, { closedAt: null, outcome: null });
      temporal.workflows.delete(workflowOf("web-1"));
    },
    { kind: "lost", about: "web-1 id-of-web-1", sentence: /its workflow is not there/ },
  ],
  "a workflow that was terminated after its remediation closed": [
    ({ temporal }) => temporal.workflows.set(workflowOf("web-1"), { state: "closed", how: "TERMINATED", at: at(101) }),
    { kind: "leftBehind", about: "web-1 id-of-web-1", sentence: /closed, but its workflow is TERMINATED/ },
  ],
  "a workflow that runs for nothing in the record": [
    ({ temporal }) => temporal.running.push({ workflowId: workflowOf("web-3"), startedAt: at(0) }),
    { kind: "leftBehind", about: workflowOf("web-3"), sentence: /no open remediation/ },
  ],
  "an effect done twice": [
    ({ world }) => world.changes.push(change(4, "web-1", "ticket.open", keyOf("web-1", "dc"))),
    { kind: "doubled", about: "web-1 id-of-web-1", sentence: /ticket.open was done 2 times/ },
  ],
  "a drain done twice for one effect": [
    ({ world }) => world.changes.push(change(95, "web-1", "loadbalancer.drain")),
    { kind: "doubled", about: "web-1", sentence: /drained 2 times, for 1 effect/ },
  ],
  "an effect that the record does not have": [
    ({ world }) => world.changes.push(change(4, "web-3", "ticket.open", keyOf("web-3", "dc"))),
    { kind: "lost", about: keyOf("web-3", "dc"), sentence: /ticket.open was done on web-3, and the record does not/ },
  ],
  "an effect that failed, and nobody knows": [
    ({ record }) => Object.assign(record.effects[1] as object, { state: "failed", detail: "deploy failed" }),
    { kind: "leftBehind", about: "web-1 id-of-web-1", sentence: /was begun and failed: deploy failed/ },
  ],
  "an effect that was done although the record says not": [
    ({ record }) => Object.assign(record.effects[1] as object, { state: "notHappened", detail: "no such ticket" }),
    { kind: "lost", about: "web-1 id-of-web-1", sentence: /was done, but the record says notHappened: no such ticket/ },
  ],
  "an effect recorded as done that left no trace": [
    ({ record }) => record.effects.push(effect("web-1", "second", "ticket.open")),
    { kind: "lost", about: "web-1 id-of-web-1", sentence: /no trace of it \[id-of-web-1\/replace\/second\]/ },
  ],
  "an unsettled effect of a healed host": [
    ({ record }) => Object.assign(record.effects[0] as object, { state: "unknown", detail: "no answer" }),
    { kind: "leftBehind", about: "web-1 id-of-web-1", sentence: /loadbalancer.drain apply is unknown: no answer/ },
  ],
  "a broken audit chain": [
    ({ record }) => Object.assign(record.remediations[0] as object, { brokenChain: "row 3 is missing" }),
    { kind: "lost", about: "web-1 id-of-web-1", sentence: /audit chain is broken: row 3 is missing/ },
  ],
  "leases of a closed remediation": [
    ({ record }) => record.leases.push({ remediationId: idOf("web-1"), scope: "rack:r1", state: "orphaned" }),
    { kind: "leftBehind", about: "web-1 id-of-web-1", sentence: /leases on rack:r1 are orphaned/ },
  ],
  "a row of the queue": [
    ({ record }) => record.queue.push(idOf("web-1")),
    { kind: "leftBehind", about: "web-1 id-of-web-1", sentence: /still in the queue/ },
  ],
  "a wait": [
    ({ record }) => record.waits.push({ key: "w", remediationId: idOf("web-1") }),
    { kind: "leftBehind", about: "web-1 id-of-web-1", sentence: /still waits \[w\]/ },
  ],
  "a row of the queue of what is left to a person": [
    ({ record }) => record.queue.push(idOf("web-2")),
    { kind: "leftBehind", about: "web-2 id-of-web-2", sentence: /still in the queue/ },
  ],
  "a wait of what is left to a person": [
    ({ record }) => record.waits.push({ key: "w", remediationId: idOf("web-2") }),
    { kind: "leftBehind", about: "web-2 id-of-web-2", sentence: /still waits \[w\]/ },
  ],
  "a healed host that is still drained": [
    ({ world }) => Object.assign(world.servers[0] as object, { takesAllTraffic: false, state: "drained" }),
    { kind: "leftBehind", about: "web-1 id-of-web-1", sentence: /healed, but it is drained/ },
  ],
  "a host drained by nobody": [
    ({ world }) => Object.assign(world.servers[2] as object, { takesAllTraffic: false, state: "drained" }),
    { kind: "leftBehind", about: "web-3", sentence: /no remediation did that/ },
  ],
  "a healed host that is not well": [
    ({ world }) => world.unwell.push({ target: "web-1", why: "its disk is failing" }),
    { kind: "lost", about: "web-1 id-of-web-1", sentence: /healed by the record, but its disk is failing/ },
  ],
  "a failing host that nobody looked at": [
    ({ world }) => world.unwell.push({ target: "web-3", why: "its disk is failing" }),
    { kind: "lost", about: "web-3", sentence: /no remediation was opened/ },
  ],
  "an open ticket of a healed host": [
    ({ world }) => world.tickets.push({ id: "1", key: keyOf("web-1", "dc"), target: "web-1" }),
    { kind: "leftBehind", about: "web-1 id-of-web-1", sentence: /ticket 1 is still there/ },
  ],
  "a ticket of nobody": [
    ({ world }) => world.tickets.push({ id: "9", key: null, target: "web-3" }),
    { kind: "leftBehind", about: "ticket 9 web-3", sentence: /nobody's/ },
  ],
  "a silence of a healed host": [
    ({ world }) => world.silences.push({ id: "s", key: null, target: "web-1" }),
    { kind: "leftBehind", about: "web-1 id-of-web-1", sentence: /silence s is still there/ },
  ],
  "more hosts drained at once than may be": [
    ({ record }) => Object.assign(record.remediations[1] as object, { openedAt: at(1) }),
    { kind: "overLimit", about: "group:web", sentence: /2 were drained at once, allowed are 1/ },
  ],
  "more remediations let in at once than may be": [
    ({ record }) => Object.assign(record.admissions[1] as object, { admittedAt: at(99) }),
    { kind: "overLimit", about: "group:web", sentence: /2 held it at once, allowed are 1/ },
  ],
  "a target that two had at once": [
    ({ record }) =>
      record.admissions.push({
        remediationId: idOf("web-2"),
        scopes: ["target:host:web-1"],
        admittedAt: at(50),
        releasedAt: at(51),
      }),
    { kind: "overLimit", about: "target:host:web-1", sentence: /2 held it at once, allowed are 1/ },
  ],
  "a person who was not told": [
    ({ record }) => Object.assign(record.escalations[0] as object, { sentAt: null, error: "503" }),
    { kind: "leftBehind", about: "web-2 id-of-web-2", sentence: /the message did not go out: 503/ },
  ],
};

test.each(Object.entries(SPOILED))("finds %s, and nothing else", (name, [spoil, found]) => {
  const facts = books();
  // So that the second host is drained while the first one is: its drain lies in its remediation's time either way.
  if (name.startsWith("more hosts")) facts.world.changes[3] = change(50, "web-2", "loadbalancer.drain");
  spoil(facts);
  const wrong = exceptionsOf(facts).filter(({ kind }) => kind !== "person");
  expect(wrong).toEqual([{ ...found, sentence: expect.stringMatching(found.sentence), next: expect.any(String) }]);
  expect(reconcile(facts).ok).toBe(false);
});

test("a fault that went on after its re-open time may have another remediation, and it is counted", () => {
  const facts = books();
  // The first one closed at 100 s, the runbook's re-open time is 60 s.
  facts.record.remediations.push(
    remediation("web-1", { remediationId: "second", openedAt: at(160), closedAt: at(170) }),
  );
  const faults = reconcile(facts).checks.find(({ check }) => check === "faults");
  expect(faults?.exceptions).toEqual([]);
  expect(faults?.figures).toBe("2 faults, 3 remediations, 1 of them for a fault that went on after its re-open time");
});

test("an unsettled effect whose remediation is left to a person is named, not wrong", () => {
  const facts = books();
  Object.assign(facts.record.effects[3] as object, { state: "unknown", detail: "the reply was lost" });
  facts.world.changes.pop();
  expect(reconcile(facts).ok).toBe(true);
  expect(exceptionsOf(facts)).toContainEqual(
    expect.objectContaining({ kind: "person", sentence: expect.stringContaining("the reply was lost") }),
  );
});

test("an effect that was begun and failed is its person's, and named", () => {
  const facts = books();
  Object.assign(facts.record.effects[3] as object, { state: "failed", detail: "deploy failed" });
  expect(reconcile(facts).ok).toBe(true);
  expect(exceptionsOf(facts)).toContainEqual(
    expect.objectContaining({
      kind: "person",
      sentence: expect.stringContaining("was begun and failed: deploy failed"),
    }),
  );
});

test("the text ends with what it comes to", () => {
  const good = reconciliationText(reconcile(books())).split("\n").at(-1);
  expect(good).toBe("Nothing lost, nothing doubled, nothing left behind; 1 left to a person, each named above.");
  const facts = books();
  facts.record.queue.push(idOf("web-1"));
  facts.world.changes.push(change(4, "web-1", "ticket.open", keyOf("web-1", "dc")));
  const bad = reconciliationText(reconcile(facts)).split("\n").at(-1);
  expect(bad).toBe(
    "NOT in order: 0 lost, 1 doubled, 1 left behind, 0 over a limit; 1 left to a person, each named above.",
  );
});
