/** Postmortems, problem tickets and reports on a real record: each once, whatever dies on the way. */
import pino from "pino";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runLessons, type LessonDependencies } from "../../src/activities/lessons/lessons.ts";
import type { Catalogue } from "../../src/catalogue/catalogue.ts";
import { AdapterError } from "../../src/ports/failure.ts";
import type { NotifyPort, Ports, Ticket, TicketPort } from "../../src/ports/ports.ts";
import { verifyChain } from "../../src/record/audit.ts";
import { CONFIG, INVENTORY, loadFrom, RUNBOOK } from "../catalogue/support.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { admitted, anIntent, aPlan, closing, planned } from "./builders.ts";

type Message = Parameters<NotifyPort["send"]>[0];

/** A ticket system that loses replies when it is told to. */
class Tickets implements TicketPort {
  readonly opened: (Ticket & { key: string; body: string })[] = [];
  readonly comments: string[] = [];
  loseReply = false;
  down = false;

  async open({ key, subject, body }: Parameters<TicketPort["open"]>[0]): Promise<Ticket> {
    this.check();
    const id = String(this.opened.length + 1);
    const ticket = { id, status: "open" as const, rawStatus: "new", subject, url: `http://rt/${id}`, key, body };
    this.opened.push(ticket);
    if (this.loseReply) throw new AdapterError("ambiguous", { system: "tickets", operation: "open" }, "no answer");
    return ticket;
  }
  async findByKey(key: string): Promise<Ticket[]> {
    this.check();
    return this.opened.filter((one) => one.key === key);
  }
  async getMany(ids: string[]): Promise<Ticket[]> {
    this.check();
    return this.opened.filter(({ id }) => ids.includes(id));
  }
  async get(id: string): Promise<Ticket | null> {
    return this.opened.find((one) => one.id === id) ?? null;
  }
  async comment(_id: string, key: string): Promise<void> {
    this.check();
    this.comments.push(key);
  }
  async hasComment(_id: string, key: string): Promise<boolean> {
    return this.comments.includes(key);
  }
  async setStatus(id: string, status: "resolved" | "rejected"): Promise<void> {
    const ticket = this.opened.find((one) => one.id === id);
    if (ticket !== undefined) ticket.status = status;
  }
  private check(): void {
    if (this.down) throw new AdapterError("transient", { system: "tickets", operation: "any" }, "it is down");
  }
}

let db: TestDatabase;
let tickets: Tickets;
let sent: Message[];
let failing: boolean;
let catalogue: Catalogue;

beforeAll(async () => {
  db = await createTestDatabase();
  use("");
});
afterAll(() => db.drop());
beforeEach(async () => {
  await db.sql("truncate remediations, problems, reports, audit, pauses cascade");
  await db.sql("delete from audit_chains where chain <> 'control'");
  await db.sql("update audit_chains set seq = 0, hash = ''");
  await db.setClock("2026-10-10T10:00:00.000Z");
  use("reports: { send: [] }");
  [tickets, sent, failing] = [new Tickets(), [], false];
});

function use(more: string): void {
  const loaded = loadFrom({ runbooks: [RUNBOOK], config: `${CONFIG}\n${more}`, inventory: INVENTORY });
  if (loaded.catalogue === null) throw new Error(JSON.stringify(loaded.problems));
  ({ catalogue } = loaded);
}

function deps(record: Partial<LessonDependencies["record"]> = {}): LessonDependencies {
  const notify: NotifyPort = {
    send: async (message) => {
      if (failing) throw new Error("no way out");
      sent.push(message);
    },
  };
  const range = async () => ({ ok: true as const, points: [{ at: Date.parse("2026-10-10T10:00:00Z"), value: 1 }] });
  return {
    record: { ...db.record, ...record },
    catalogues: { active: async () => catalogue, version: async () => catalogue },
    ports: { tickets, notify, metrics: { range } } as unknown as Ports,
    log: pino({ level: "silent" }),
  };
}

const round = (record: Partial<LessonDependencies["record"]> = {}) => runLessons(deps(record));

/** Closed badly, after an effect. */
async function trouble(target = "web-1", outcome: "failed" | "healed" = "failed"): Promise<string> {
  const probe = {
    name: "p",
    uses: "prometheus.query",
    with: { query: "up" },
    states: { unhealthy: "a", healthy: "b" },
  };
  const remediationId = await admitted(db.record, { ...aPlan({ target }), probe });
  const intent = anIntent(remediationId);
  await db.record.beginEffect(intent);
  await db.record.settleEffect(intent.key, "happened", {}, "done");
  await db.record.close(
    closing(remediationId, { outcome, needsHuman: outcome === "failed", detail: "it did not help" }),
  );
  return remediationId;
}

/** Dies at this call of the record, once it was made or before. */
const dies = () => Promise.reject(new Error("the process died"));

describe("postmortems", () => {
  it("are drafted once of what went wrong, with a plot, kept in the chain, and sent to the owner once", async () => {
    const remediationId = await trouble();
    await trouble("web-2", "healed");
    expect(await round()).toEqual({ failures: [] });
    await round();
    const kept = await db.record.postmortem(remediationId);
    expect(kept).toMatchObject({ owner: "sre", sentAt: "2026-10-10T10:00:00.000Z", error: null });
    expect(kept?.markdown).toContain("The probe of disk:");
    expect(sent).toMatchObject([
      { key: `postmortem/${remediationId}`, title: "host/web-1: a postmortem draft for sre" },
    ]);
    const audit = await db.record.audit(remediationId);
    expect(audit.filter(({ kind }) => kind === "postmortem")).toHaveLength(1);
    expect(verifyChain(audit)).toMatchObject({ ok: true });
  });

  it("that could not be sent are sent later, and not drafted anew", async () => {
    const remediationId = await trouble();
    failing = true;
    expect((await round()).failures).toEqual(["sending postmortems: no way out"]);
    expect(await db.record.postmortem(remediationId)).toMatchObject({ sentAt: null, error: "no way out" });
    failing = false;
    // Not before the next try is due.
    await round();
    expect(sent).toEqual([]);
    await db.setClock("2026-10-10T10:02:00.000Z");
    await round();
    await round();
    expect(sent).toHaveLength(1);
  });

  it("are drafted again when the process died before they were kept, and not of what is long ago", async () => {
    const remediationId = await trouble();
    expect((await round({ savePostmortem: dies })).failures).toEqual(["making postmortems: the process died"]);
    await db.setClock("2026-10-18T10:00:00.000Z");
    await round();
    expect(await db.record.postmortem(remediationId)).toBeNull();
    await db.setClock("2026-10-16T10:00:00.000Z");
    await round();
    expect(await db.record.postmortem(remediationId)).not.toBeNull();
  });
});

describe("a problem", () => {
  const ids = async (count: number): Promise<string[]> => {
    const all: string[] = [];
    for (let index = 0; index < count; index++) {
      await db.setClock(`2026-10-10T10:0${index}:00.000Z`);
      all.push(await trouble());
    }
    return all;
  };

  it("gets one ticket at the third time, which names all of them; each later one is a comment", async () => {
    const [first, second] = await ids(2);
    await round();
    expect(tickets.opened).toEqual([]);
    const third = await trouble();
    await Promise.all([round(), round()]);
    await round();
    expect(tickets.opened.map(({ subject }) => subject)).toEqual(["host/web-1 needs healing again and again"]);
    for (const id of [first, second, third]) expect(tickets.opened[0]?.body).toContain(id);
    expect(tickets.comments).toEqual([]);
    const fourth = await trouble();
    await round();
    await round();
    expect(tickets.comments.map((key) => key.split("/").at(-1))).toEqual([fourth]);
    expect(await db.record.problemOf(fourth)).toBe("1 http://rt/1");
    expect((await db.record.audit(fourth)).map(({ kind }) => kind)).toContain("problem");
  });

  it("is none of what passed by itself or was refused before anything was done", async () => {
    for (const outcome of ["recovered", "refused", "observed"] as const) {
      const id = await planned(db.record, aPlan());
      await db.record.close(closing(id, { outcome }));
    }
    await round();
    expect(await db.record.openProblems()).toEqual([]);
    await ids(2);
    const asked = await planned(db.record, aPlan());
    await db.record.close(closing(asked, { outcome: "refused", needsHuman: true }));
    await round();
    expect(tickets.opened).toHaveLength(1);
  });

  it("whose ticket was opened and its reply lost has that one ticket", async () => {
    await ids(3);
    tickets.loseReply = true;
    expect((await round()).failures).toHaveLength(1);
    tickets.loseReply = false;
    await round();
    expect(tickets.opened).toHaveLength(1);
    expect(await db.record.openProblems()).toMatchObject([{ ticketId: "1" }]);
  });

  it.each([
    ["before the ticket", "claimTicket"],
    ["after the ticket", "problemTicket"],
  ] as const)("whose process died %s has one ticket in the end", async (_, call) => {
    await ids(3);
    await round({ [call]: dies });
    await round();
    await db.setClock("2026-10-10T11:00:00.000Z");
    await round();
    expect(tickets.opened).toHaveLength(1);
    expect(await db.record.openProblems()).toMatchObject([{ ticketId: "1" }]);
  });

  it("asks for a ticket again only once the first request can take effect no more", async () => {
    await ids(3);
    await round({ problemTicket: dies });
    // The request has not arrived yet.
    const [late] = tickets.opened.splice(0);
    await round();
    expect(tickets.opened).toEqual([]);
    if (late !== undefined) tickets.opened.push(late);
    await round();
    expect(tickets.opened).toHaveLength(1);
  });

  it("comments once, though the process died behind the comment", async () => {
    await ids(3);
    await round();
    await trouble();
    await round({ problemNoted: dies });
    await round();
    expect(tickets.comments).toHaveLength(1);
  });

  it("comes anew only after its ticket was closed, and only for what came since", async () => {
    await ids(3);
    await round();
    await tickets.setStatus("1", "resolved");
    await round();
    expect(await db.record.openProblems()).toEqual([]);
    expect(tickets.opened).toHaveLength(1);
    await ids(2);
    await round();
    expect(tickets.opened).toHaveLength(1);
    await trouble();
    await round();
    expect(tickets.opened).toHaveLength(2);
  });

  it("stays as it is while the ticket system is away", async () => {
    await ids(3);
    await round();
    tickets.down = true;
    expect((await round()).failures).toHaveLength(1);
    tickets.down = false;
    expect(await db.record.openProblems()).toHaveLength(1);
  });
});

describe("reports", () => {
  // Its first entry is as old as the record.
  const begins = async (at: string): Promise<void> => {
    await db.setClock(at);
    await db.record.pause({ scope: "group:x", reason: "r", by: "ann", until: null });
  };

  it("of a period before the record began are none", async () => {
    use("reports: { send: [month] }");
    await begins("2026-10-01T00:00:00.000Z");
    await round();
    expect(sent).toEqual([]);
    await db.setClock("2026-11-01T00:00:00.000Z");
    await round();
    expect(sent.map(({ key }) => key)).toEqual(["report/month 2026-10"]);
  });

  it("of a period that is over are made and sent once, by the time zone's midnight", async () => {
    use("reports: { send: [month], timezone: Europe/Berlin, route: ticket }");
    await begins("2026-09-30T00:00:00.000Z");
    await db.setClock("2026-10-10T10:00:00.000Z");
    await trouble("web-1", "healed");
    // 23:30 in Berlin.
    await db.setClock("2026-10-31T22:30:00.000Z");
    await round();
    expect(sent.map(({ key }) => key)).toEqual(["report/month 2026-09"]);
    expect(sent[0]?.text).toContain("No remediation was closed in this time.");
    await db.setClock("2026-10-31T23:30:00.000Z");
    await round();
    await round();
    expect(sent.map(({ key, route }) => `${key} ${route}`)).toEqual([
      "report/month 2026-09 ticket",
      "report/month 2026-10 ticket",
    ]);
    expect(await db.record.report("month 2026-10")).toMatchObject({
      markdown: expect.stringContaining("# selfheal, month 2026-10") as string,
      csv: expect.stringContaining("Outcomes,healed,1\r\n") as string,
      sentAt: "2026-10-31T23:30:00.000Z",
    });
    expect((await db.record.audit("control")).filter(({ kind }) => kind === "report")).toHaveLength(2);
  });

  it("that could not be sent are sent later as they were made", async () => {
    use("reports: { send: [day] }");
    await begins("2026-10-09T00:00:00.000Z");
    await db.setClock("2026-10-10T10:00:00.000Z");
    failing = true;
    await round();
    const made = await db.record.report("day 2026-10-09");
    failing = false;
    await db.setClock("2026-10-10T12:00:00.000Z");
    await round();
    expect(sent).toHaveLength(1);
    expect(await db.record.report("day 2026-10-09")).toMatchObject({ markdown: made?.markdown, madeAt: made?.madeAt });
  });
});
