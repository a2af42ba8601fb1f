/** Whoever changes, removes, puts in or reorders anything that the audit covers is found, and what he did is named. */
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { controlRowFaults } from "../../src/record/audit/control-rows.ts";
import { rowFaults, type BesideRows } from "../../src/record/audit/rows.ts";
import { rowsOf } from "../../src/record/audit/verify.ts";
import { throughWay } from "../../src/record/actor.ts";
import { anIntent, aPlan, hashOfPlan, planned, result, verdict } from "./builders.ts";
import { eraseRemediation, harm, writeAnew } from "./audit-harm.ts";
import { CONTROLS, COVERED } from "./audit-covered.ts";
import { all, audited } from "./audit-support.ts";

const audit = audited();

describe("a record that nobody touched", () => {
  it("is whole, every chain and every row beside it, and its head is the one of Temporal's history", async () => {
    expect(await audit.wrong()).toEqual([]);
    const reports = await audit.verified(audit.seenBy(audit.written.head));
    expect(reports.map(({ chain }) => chain)).toHaveLength(5);
    expect(reports[0]).toMatchObject({ chain: "control", state: "whole" });
    expect(reports.find(({ chain }) => chain === audit.written.healed)).toMatchObject({
      state: "whole",
      temporal: "same",
    });
    expect(reports.find(({ chain }) => chain === audit.written.observed)).toMatchObject({ temporal: "none" });
  });

  it("is whole where a plan came back after another, and was let in by a person instead of a standing approval", async () => {
    const { record } = audit.db;
    const plan = aPlan({ target: "again" });
    const other = { ...plan, collected: { serial: "S2" } };
    const remediationId = await planned(record, plan);
    for (const [made, code] of [[plan, "STANDING_APPROVAL"] as const, [other, "OK"] as const, [plan, "OK"] as const]) {
      const planHash = hashOfPlan(made);
      await record.saveDecision(remediationId, verdict, made, planHash, "cat-1");
      await record.admit({ remediationId, plan: made, planHash, evaluate: () => [result("pass", code)] });
    }
    const admitted = (await record.audit(remediationId)).filter(({ kind }) => kind === "admitted");
    expect(admitted.map(({ body }) => typeof body["standing"])).toEqual(["string", "object", "object"]);
    expect(await audit.wrong()).toEqual([]);
  });

  it("says which way each change of the automation came", async () => {
    const wish = { scope: "rack:r7", reason: "r", by: "ann", until: null };
    await throughWay("cli", () => audit.db.record.pause(wish));
    const entries = await audit.db.record.audit("control");
    expect(entries.at(-1)).toMatchObject({ kind: "paused", body: { by: "ann", via: "cli" } });
    expect(entries.every(({ body }) => typeof body["via"] === "string")).toBe(true);
  });
});

describe("a chain", () => {
  const entry = (seq: number): string => `chain = '${audit.written.healed}' and seq = ${seq}`;

  it("names the entry that was changed, and how many after it are untouched", async () => {
    await harm(audit.db, `update audit set body = '{"by":"mallory"}' where ${entry(4)}`);
    const all = await audit.db.record.audit(audit.written.healed);
    const report = (await audit.verified()).find(({ chain }) => chain === audit.written.healed);
    const [first] = report?.faults ?? [];
    expect(first).toMatchObject({ code: "changed", seq: 4 });
    expect(first?.detail).toMatch(/^entry 4 \(\w+ of .*\) was changed: its content has the hash \w{12}, not /);
    expect(report?.intactAfter).toBe(all.length - 4);
  });

  it("names entries that are missing, in the middle and at the end", async () => {
    await harm(audit.db, `delete from audit where ${entry(4)}; delete from audit where ${entry(5)}`);
    expect((await audit.wrong())[0]).toMatch(
      /^healed: missing: entries 4 to 5 are missing: the next one is entry 6 \(/,
    );
    await harm(audit.db, `delete from audit where chain = '${audit.written.observed}' and seq = 3`);
    expect(await audit.wrong()).toContainEqual(
      expect.stringMatching(
        /^observed: head: the head \w{12} of entry 3 is known from the record's own list of heads, but the chain ends with entry 2: it was cut/,
      ),
    );
  });

  it("names an end that was cut off with the head, by what its close answered", async () => {
    await harm(
      audit.db,
      `delete from audit where chain = '${audit.written.observed}' and seq = 3;
       update audit_chains set seq = 2, hash = (select hash from audit where chain = '${audit.written.observed}' and seq = 2)
        where chain = '${audit.written.observed}'`,
    );
    expect(await audit.wrong()).toContainEqual(
      expect.stringMatching(/^observed: head: .*from the remediation's close.*cut or written anew/),
    );
  });

  it("names entries that changed their places, or were put in", async () => {
    await harm(
      audit.db,
      `update audit set seq = 99 where ${entry(4)}; update audit set seq = 4 where ${entry(5)};
       update audit set seq = 5 where ${entry(99)}`,
    );
    const found = await audit.wrong();
    expect(found[0]).toMatch(
      /^healed: moved: entry 4 \(.*\) was written as entry 5: entries were renumbered or reordered/,
    );
    expect(found[1]).toMatch(/^healed: moved: entry 5 \(.*\) was written as entry 4/);
    await harm(
      audit.db,
      `insert into audit select chain, 4, 'x', at, kind, body, previous_hash, hash from audit
        where chain = '${audit.written.observed}' and seq = 3`,
    );
    expect(await audit.wrong()).toContainEqual(
      expect.stringMatching(/^observed: unlinked: entries 4 to 4 stand behind the head .* they were put in/),
    );
  });

  it("that was written anew, hashes and all, is found by the head in Temporal's history alone", async () => {
    await writeAnew(audit.db, audit.written.healed, (one) =>
      one.kind !== "decision" ? one : { ...one, body: { ...one.body, at: "forged" } },
    );
    expect(await audit.wrong()).toEqual([]);
    const [found] = await audit.wrong(audit.seenBy(audit.written.head));
    expect(found).toMatch(
      /^healed: head: the head \w{12} is known from the Temporal history of heal:host:healed, but it is not in the chain/,
    );
    expect((await audit.verified(audit.seenBy(audit.written.head)))[0]?.chain).toBe("control");
  });

  it("of which nothing is left is found by Temporal's history, while that is there", async () => {
    await eraseRemediation(audit.db, audit.written.healed);
    expect(await audit.wrong()).toEqual([]);
    expect(await audit.wrong(audit.seenBy(audit.written.head))).toEqual([
      `healed: lost: the Temporal history of heal:host:healed closed it with the head ${audit.written.head.slice(0, 12)}, and the record has nothing of it`,
    ]);
    await harm(audit.db, `delete from audit_chains where chain = '${audit.written.observed}'`);
    expect(await audit.wrong()).toEqual([expect.stringMatching(/^observed: lost: the record has no chain of it/)]);
  });

  it("of one remediation is found by what a person types", async () => {
    await harm(audit.db, `update audit set kind = 'other' where chain = 'control' and seq = 1`);
    const found = await audit.reading(async (reader) => {
      const one = await reader.find("host/healed");
      expect(await reader.find("nobody")).toBeNull();
      return all(reader.verify({ remediationId: one?.remediationId ?? "" }));
    });
    expect(found).toMatchObject([{ chain: audit.written.healed, state: "whole", temporal: "notAsked" }]);
  });
});

describe("a row beside the chains", () => {
  it("shows every change of every column that is covered, one by one", async () => {
    const id = audit.written.healed;
    const rows = await audit.reading(async ({ db: session }) => (await rowsOf(session, [id])).get(id));
    const entries = await audit.db.record.audit(id);
    if (rows === undefined) throw new Error("there are no rows to harm");
    expect(rowFaults(rows, entries)).toEqual([]);
    for (const [table, columns] of Object.entries(COVERED)) {
      for (const [column, value] of Object.entries(columns)) {
        const harmed = structuredClone(rows);
        const part = harmed[table as keyof BesideRows];
        const row = Array.isArray(part) ? part[0] : part;
        expect(row, `${table}.${column}`).toHaveProperty(column);
        Object.assign(row ?? {}, { [column]: value });
        expect(rowFaults(harmed, entries), `${table}.${column}`).toContainEqual(
          expect.objectContaining({ code: "row" }),
        );
      }
    }
    const ignored = structuredClone(rows);
    Object.assign(ignored.decisions.find(({ person }) => person === "eve") ?? {}, { status: "counted", detail: "" });
    expect(rowFaults(ignored, entries)).toMatchObject([
      { detail: expect.stringContaining("approve of eve") as string },
    ]);
  });

  it("shows every change of what people did to the automation, one by one", async () => {
    await audit.reading(async ({ db: session }) => {
      for (const [table, changes, where = "true"] of CONTROLS) {
        for (const [column, value] of Object.entries(changes)) {
          const trx = await session.startTransaction().execute();
          await sql.raw(`set local session_replication_role = replica`).execute(trx);
          await sql.raw(`update ${table} set ${column} = ${value} where ${where}`).execute(trx);
          expect((await all(controlRowFaults(trx))).length, `${table}.${column}`).toBeGreaterThan(0);
          await trx.rollback().execute();
        }
      }
      expect(await all(controlRowFaults(session))).toEqual([]);
    });
  });

  it("shows every row that was removed, and every one that was put in", async () => {
    const tables = [
      "remediations",
      "effects",
      "decisions",
      "verdicts",
      "escalations",
      "admissions",
      "reviews",
      "postmortems",
    ];
    for (const table of [
      ...tables,
      "pauses",
      "windows",
      "standing_approvals",
      "breakers",
      "attestations",
      "catalogue_active",
      "reports",
    ]) {
      await harm(audit.db, `create table kept as table ${table}; delete from ${table}`);
      expect((await audit.wrong()).length, table).toBeGreaterThan(0);
      await harm(audit.db, `insert into ${table} select * from kept; drop table kept`);
    }
    await harm(
      audit.db,
      `insert into decisions select remediation_id, plan_hash, 'mallory', decision, via, reason, status, detail, at, expires_at
         from decisions where person = 'ann'`,
    );
    expect(await audit.wrong()).toEqual([
      expect.stringMatching(
        /^healed: row: the approve of mallory on plan \w{12} stands in the record, but no entry of the chain tells of it/,
      ),
    ]);
  });

  it("names row, column, what stands there and what the entry says", async () => {
    await harm(
      audit.db,
      `update effects set detail = 'it was fine'; update pauses set by_person = 'mallory' where scope = 'rack:r2'`,
    );
    const { key } = anIntent(audit.written.healed);
    expect(await audit.wrong()).toEqual([
      expect.stringMatching(/^control: row: [\w-]+ in pauses has by_person "mallory", but entry \d+ says "ann"$/),
      expect.stringMatching(
        new RegExp(
          `^healed: row: the effect ${key} has detail "it was fine", but entry \\d+ \\(effectSettled\\) says "drained"$`,
        ),
      ),
    ]);
  });
});
