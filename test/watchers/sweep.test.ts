/** Every finding on a real database: repaired where that is safe, told once, and nothing is reaped without proof. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { scopeOf } from "../../src/contracts/ids.ts";
import type { Phase } from "../../src/contracts/remediation.ts";
import { SWEEP_SCHEDULE, WATCH_SCHEDULE } from "../../src/watchers/schedule.ts";
import { admitted, anIntent, aPlan, cap, closing, host, planned, received, admitting } from "../record/builders.ts";
import { alertFor } from "../starters/support/bodies.ts";
import type { FindingRow } from "../../src/record/api-sweep.ts";
import type { Candidate } from "../../src/watchers/sweep-finding.ts";
import { tellPeople } from "../../src/watchers/sweep-tell.ts";
import { codes, ofFinding, SweepRig } from "./sweep-support.ts";

let rig: SweepRig;
beforeEach(async () => {
  rig = await SweepRig.create();
});
afterEach(() => rig.db.drop());

/** An admitted remediation, opened now; its leases are on its target. */
const acting = (target: string): Promise<string> => admitted(rig.record, aPlan({ target }));
const leaseStates = async (id: string): Promise<string[]> =>
  (await rig.record.leases()).filter((lease) => lease.remediationId === id).map((lease) => lease.state);

test("a world in order has no findings, and nobody is told anything", async () => {
  await acting("web-1");
  rig.temporal.runs("heal:host:web-1");
  await rig.at(5);
  expect(await rig.sweep()).toEqual({ found: [], failures: [] });
  expect(rig.sent).toEqual([]);
  expect(await rig.record.lastSweep()).toMatchObject({ failures: [] });
});

describe("a workflow that ended without closing", () => {
  test.each(["TERMINATED", "COMPLETED", "FAILED", "TIMED_OUT"])(
    "(%s) leaves orphaned leases that go on counting, needs a person, and is paged once",
    async (how) => {
      const id = await acting("web-1");
      rig.temporal.ended("heal:host:web-1", how);
      await rig.at(5);
      const report = await rig.sweep();
      expect(report.found).toMatchObject([
        {
          code: "WORKFLOW_CLOSED",
          severity: "page",
          safe: true,
          done: expect.stringContaining("orphaned"),
          next: `selfheal remediation show ${id}`,
        },
      ]);
      expect(new Set(await leaseStates(id))).toEqual(new Set(["orphaned"]));
      expect(await rig.record.find(id)).toMatchObject({ needsHuman: true, closedAt: null });
      for (const minutes of [6, 7, 120]) {
        await rig.at(minutes);
        await rig.sweep();
      }
      expect(rig.pages()).toHaveLength(1);
      expect((await rig.record.story(id))?.escalations).toMatchObject([{ route: "page", sentAt: expect.any(String) }]);
    },
  );

  test("is recovered: asked for once, and again when it is still open some minutes later", async () => {
    const id = await acting("web-1");
    rig.temporal.ended("heal:host:web-1");
    const asked: number[] = [];
    for (const minutes of [5, 6, 7, 8, 11, 12, 16]) {
      await rig.at(minutes);
      await rig.sweep();
      asked.push(rig.remediations.recoveries.length);
    }
    expect(asked).toEqual([1, 1, 1, 1, 2, 2, 3]);
    expect(rig.remediations.recoveries[0]).toEqual({ remediationId: id });
  });

  test("and whose recovery closes it within minutes is nobody's page", async () => {
    const id = await acting("web-1");
    rig.temporal.ended("heal:host:web-1");
    await rig.at(5);
    await rig.sweep();
    await rig.record.close(closing(id));
    for (const minutes of [6, 30]) {
      await rig.at(minutes);
      expect((await rig.sweep()).found).toEqual([]);
    }
    expect(rig.sent).toEqual([]);
  });

  test("leaves its place in the queue", async () => {
    const plan = (target: string) => aPlan({ target, caps: [cap(scopeOf.group("web"), 1)] });
    await admitted(rig.record, plan("web-1"));
    const waiter = await planned(rig.record, plan("web-2"));
    await admitting(rig.record, waiter, plan("web-2"));
    expect(await rig.record.queue()).toHaveLength(1);
    rig.temporal.runs("heal:host:web-1");
    rig.temporal.ended("heal:host:web-2");
    await rig.at(5);
    await rig.sweep();
    expect(await rig.record.queue()).toEqual([]);
  });

  test("that the lists do not show yet is left alone in its first minute", async () => {
    await acting("web-1");
    rig.temporal.ended("heal:host:web-1");
    expect((await rig.sweep()).found).toEqual([]);
    expect(rig.temporal.described).toEqual([]);
  });

  test("and was closed in the record between the looks is no finding", async () => {
    const id = await acting("web-1");
    rig.temporal.ended("heal:host:web-1");
    await rig.at(5);
    const { temporal } = rig;
    const seen = temporal.workflow.bind(temporal);
    temporal.workflow = async (workflowId) => {
      await rig.record.close(closing(id));
      return seen(workflowId);
    };
    expect((await rig.sweep()).found).toEqual([]);
    expect(rig.sent).toEqual([]);
  });

  test("many at once are one message, and each needs a person all the same", async () => {
    const ids = await Promise.all(Array.from({ length: 8 }, (_, index) => acting(`web-${index}`)));
    for (let index = 0; index < 8; index++) rig.temporal.ended(`heal:host:web-${index}`);
    await rig.at(5);
    await rig.sweep();
    expect(rig.remediations.recoveries.map((one) => one.remediationId).sort()).toEqual([...ids].sort());
    await rig.at(11);
    await rig.sweep();
    expect(rig.sent).toHaveLength(1);
    expect(rig.sent[0]?.title).toContain("8 times WORKFLOW_CLOSED");
    const rows = await Promise.all(ids.map((id) => rig.record.find(id)));
    expect(rows.every((row) => row?.needsHuman)).toBe(true);
  });
});

describe("a workflow that Temporal does not find", () => {
  test("is paged, and never reaped: leases, queue and record stay as they are", async () => {
    const id = await acting("web-1");
    await acting("web-2");
    rig.temporal.runs("heal:host:web-2");
    for (const minutes of [5, 6, 600]) {
      await rig.at(minutes);
      expect(codes(await rig.sweep())).toContain("WORKFLOW_NOT_FOUND");
    }
    expect(new Set(await leaseStates(id))).toEqual(new Set(["held"]));
    expect(await rig.record.find(id)).toMatchObject({ closedAt: null, needsHuman: false });
    expect(rig.pages().filter((page) => page.key.includes("NOT_FOUND"))).toHaveLength(1);
  });

  test("when that is nearly all of them is one page about the namespace, and nothing at all is touched", async () => {
    const ids = await Promise.all(["web-1", "web-2", "web-3", "web-4"].map((target) => acting(target)));
    rig.temporal.ended("heal:host:web-4");
    await rig.record.receive([received({ fingerprint: "lost" })]);
    for (const minutes of [10, 11]) {
      await rig.at(minutes);
      expect(codes(await rig.sweep())).toEqual(["TEMPORAL_FORGOT", "UNDELIVERED"]);
    }
    expect(rig.remediations.signals).toEqual([]);
    for (const id of ids) expect(new Set(await leaseStates(id))).toEqual(new Set(["held"]));
    expect(rig.pages().filter((page) => page.title.includes("TEMPORAL_FORGOT"))).toHaveLength(1);
  });

  test("Temporal itself being away is no finding: nothing is concluded, nothing repaired, nothing gone", async () => {
    const id = await acting("web-1");
    rig.temporal.ended("heal:host:web-1");
    await rig.at(5);
    await rig.sweep();
    rig.temporal.away = true;
    await rig.record.receive([received({ fingerprint: "lost" })]);
    await rig.at(10);
    const report = await rig.sweep();
    expect(report.failures).toEqual([
      "temporal: Temporal is away",
      "workflows: Temporal is away",
      "schedules: Temporal is away",
      "attributes: Temporal is away",
    ]);
    expect(rig.remediations.signals).toEqual([]);
    expect((await rig.record.findings()).map((row) => row.key)).toContain(`WORKFLOW_CLOSED/${id}`);
  });
});

describe("alerts that were not delivered", () => {
  test("go out again, once", async () => {
    const { labels } = alertFor("web-1");
    await rig.record.receive([received({ fingerprint: "f-1", labels })]);
    await rig.at(2);
    const report = await rig.sweep();
    expect(report.found).toMatchObject([
      { code: "UNDELIVERED", safe: true, done: "sent again: 1 delivered, 0 failed" },
    ]);
    expect(rig.remediations.signals.map((signal) => signal.workflowId)).toEqual(["heal:host:web-1"]);
    await rig.at(3);
    expect((await rig.sweep()).found).toEqual([]);
    expect(rig.remediations.signals).toHaveLength(1);
    expect(rig.sent).toEqual([]);
  });

  test("that still do not go after five minutes are paged", async () => {
    const { labels } = alertFor("web-1");
    await rig.record.receive([received({ fingerprint: "f-1", labels })]);
    rig.remediations.down = "web-1";
    for (const minutes of [2, 5, 8, 9]) {
      await rig.at(minutes);
      await rig.sweep();
    }
    expect(rig.pages()).toMatchObject([{ title: "selfheal: UNDELIVERED", text: expect.stringContaining("1 failed") }]);
  });

  test("of the last minute are left to the ingest that has them", async () => {
    await rig.record.receive([received()]);
    expect((await rig.sweep()).found).toEqual([]);
  });
});

describe("left behind in the record", () => {
  test("an effect of a closed remediation that nobody has seen the end of is paged, with its leases in one finding", async () => {
    const id = await acting("web-1");
    await rig.record.beginEffect(anIntent(id));
    await rig.record.close(closing(id, { outcome: "escalated", needsHuman: true }));
    await rig.at(20);
    expect((await rig.sweep()).found).toEqual([]);
    await rig.at(40);
    expect(codes(await rig.sweep())).toEqual(["EFFECT_UNSETTLED"]);
    await rig.at(50);
    await rig.sweep();
    expect(rig.pages()).toHaveLength(1);
    expect(new Set(await leaseStates(id))).toEqual(new Set(["orphaned"]));
  });

  test("orphaned leases behind an effect that is unknown are paged and kept", async () => {
    const id = await acting("web-1");
    const intent = anIntent(id);
    await rig.record.beginEffect(intent);
    await rig.record.settleEffect(intent.key, "unknown", null, "the reply was lost");
    await rig.record.close(closing(id, { outcome: "escalated", needsHuman: true }));
    await rig.at(40);
    expect(codes(await rig.sweep())).toEqual(["LEASES_ORPHANED"]);
    expect(await leaseStates(id)).not.toEqual([]);
    expect(rig.pages()).toHaveLength(1);
  });

  test("a queue row of a closed remediation is taken out without a word", async () => {
    const plan = aPlan({ target: "web-1", caps: [cap(scopeOf.group("web"), 0)] });
    const id = await planned(rig.record, plan);
    await admitting(rig.record, id, plan);
    await rig.db.sql("update remediations set closed_at = selfheal_now() where remediation_id = $1", [id]);
    expect((await rig.sweep()).found).toMatchObject([{ code: "QUEUE_LEFT", done: "taken out of the queue" }]);
    expect(await rig.record.queue()).toEqual([]);
    expect(rig.sent).toEqual([]);
  });

  test("a phase past its deadline is hinted once, then paged once", async () => {
    const id = await acting("web-1");
    await rig.record.progress(id, "approve", "waiting for ada", new Date(Date.now() + 60_000).toISOString());
    rig.temporal.runs("heal:host:web-1");
    for (const minutes of [10, 17, 18, 23, 24, 30]) {
      await rig.at(minutes);
      await rig.sweep();
    }
    expect(rig.remediations.hints).toEqual([{ workflowId: "heal:host:web-1", about: `${id}/overdue` }]);
    expect(rig.pages()).toMatchObject([{ key: ofFinding(id, "PHASE_OVERDUE") }]);
  });
});

test("a finding that comes back is paged anew, as surely as the first time, and no receiver takes it for the page before", async () => {
  const id = await acting("web-1");
  rig.temporal.runs("heal:host:web-1");
  const overdue = async (phase: Phase, start: number): Promise<void> => {
    await rig.record.progress(id, phase, "waiting", new Date(Date.now() + (start + 1) * 60_000).toISOString());
    for (const minutes of [10, 17, 18, 23, 24]) {
      await rig.at(start + minutes);
      await rig.sweep();
    }
    await rig.record.progress(id, phase, "going on", null);
    await rig.at(start + 30);
    await rig.sweep();
  };
  await overdue("approve", 0);
  expect(rig.pages()).toHaveLength(1);
  rig.pagerAway = true;
  await overdue("act", 120);
  rig.pagerAway = false;
  await rig.at(300);
  await rig.sweep();
  expect(rig.pages()).toEqual(
    [0, 1].map(() => expect.objectContaining({ key: ofFinding(id, "PHASE_OVERDUE") }) as object),
  );
  expect(new Set(rig.pages().map(({ key }) => key)).size).toBe(2);
});

test("two findings of one kind about one remediation are two pages, each with a key of its own", async () => {
  const id = await acting("web-1");
  const found = ["web", "shop"].map((pool) => ({
    ...{ key: `DRAINED_LEFT/${pool}`, code: "DRAINED_LEFT", severity: "page", sentence: `left in ${pool}`, done: null },
    ...{ ids: { remediationId: id, target: "host/web-1" }, next: "look", toldAt: null, tellDue: true, tellError: null },
    ...{ part: "loadbalancer", safe: false, firstSeenAt: "2026-01-01T00:00:00Z", lastSeenAt: "2026-01-01T00:10:00Z" },
  })) as FindingRow[];
  const patience = found.map(({ key }) => ({ key, tellAfterMs: 0 }) as Candidate);
  await tellPeople(rig.deps(), found, patience);
  expect(new Set(rig.pages().map(({ key }) => key)).size).toBe(2);
});

describe("escalations that were not sent", () => {
  test("are sent later under the same key, with a growing pause, and only once", async () => {
    const id = await acting("web-1");
    rig.temporal.runs("heal:host:web-1");
    await rig.record.escalation({ remediationId: id, key: "end", route: "page", summary: "web-1 stays drained" });
    await rig.sweep();
    expect(rig.sent).toEqual([]);
    rig.pagerAway = true;
    const tries: number[] = [];
    for (let minutes = 2; minutes < 40; minutes++) {
      await rig.at(minutes);
      await rig.sweep();
      const [row] = await rig.db.sql("select attempts from escalations");
      tries.push(Number(row?.["attempts"]));
    }
    // After 2, 4, 8 and 16 minutes more.
    expect(tries.at(-1)).toBe(5);
    rig.pagerAway = false;
    await rig.at(120);
    await rig.sweep();
    await rig.at(300);
    await rig.sweep();
    expect(rig.sent).toMatchObject([{ key: `${id}/end`, route: "page", text: "web-1 stays drained" }]);
  });

  test("the sweeper's own too: the finding is told when the pager is back", async () => {
    const id = await acting("web-1");
    rig.temporal.ended("heal:host:web-1");
    rig.pagerAway = true;
    await rig.at(5);
    await rig.sweep();
    rig.pagerAway = false;
    for (const minutes of [6, 8, 9, 30]) {
      await rig.at(minutes);
      await rig.sweep();
    }
    expect(rig.pages().map((page) => page.key)).toEqual([ofFinding(id, "WORKFLOW_CLOSED")]);
  });
});

describe("schedules", () => {
  test("a paused one is a message, a missing one a page, each once", async () => {
    rig.temporal.schedules.set(SWEEP_SCHEDULE, { state: "paused", note: "by ada" });
    rig.temporal.schedules.set(WATCH_SCHEDULE, { state: "missing", note: "" });
    for (const minutes of [1, 2, 3]) {
      await rig.at(minutes);
      await rig.sweep();
    }
    expect(rig.sent.map((message) => [message.route, message.title])).toEqual([
      ["page", "selfheal: SCHEDULE_MISSING"],
      ["message", "selfheal: SCHEDULE_PAUSED"],
    ]);
  });
});

test("looking only finds the same and touches nothing", async () => {
  const id = await acting("web-1");
  rig.temporal.ended("heal:host:web-1");
  await rig.record.receive([received({ fingerprint: "lost" }, { target: host("web-2") })]);
  await rig.at(10);
  const before = await rig.db.sql("select count(*) from audit");
  expect(codes(await rig.look())).toEqual(["UNDELIVERED", "WORKFLOW_CLOSED"]);
  expect(await rig.db.sql("select count(*) from audit")).toEqual(before);
  expect([rig.sent, rig.remediations.signals, await rig.record.findings()]).toEqual([[], [], []]);
  expect(new Set(await leaseStates(id))).toEqual(new Set(["held"]));
});

test("what is gone is gone from the list, and what comes back after an hour is told again", async () => {
  const missing = (): void => void rig.temporal.schedules.set(WATCH_SCHEDULE, { state: "missing", note: "" });
  missing();
  await rig.sweep();
  rig.temporal.schedules.clear();
  await rig.at(1);
  await rig.sweep();
  expect(await rig.record.findings()).toEqual([]);
  missing();
  await rig.at(5);
  await rig.sweep();
  expect(rig.sent).toHaveLength(1);
  rig.temporal.schedules.clear();
  await rig.at(6);
  await rig.sweep();
  missing();
  await rig.at(90);
  await rig.sweep();
  expect(rig.sent).toHaveLength(2);
});
