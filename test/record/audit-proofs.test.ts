/** What lies outside of the record proves what was in it: manifests, exports, tombstones; and how late an entry is. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { verifyFile } from "../../src/cli/audit-file.ts";
import { AuditVerdict, verdictText, type AuditAnswer } from "../../src/cli/audit-verdict.ts";
import { selfhealProgram } from "../../src/cli/program.ts";
import { compareManifests, type ManifestReport } from "../../src/record/audit/compare-manifest.ts";
import { exportAudit } from "../../src/record/audit/export.ts";
import { manifestFile, manifestPath } from "../../src/record/audit/manifest-file.ts";
import { prune } from "../../src/record/audit/prune.ts";
import { eraseRemediation, harm, writeAnew } from "./audit-harm.ts";
import { all, audited } from "./audit-support.ts";
import { anIntent, aPlan, closing, planned } from "./builders.ts";

const audit = audited();
const prunedBy = { before: "2100-01-01T00:00:00.000Z", by: "ann", reason: "kept for a year" };
const folder = mkdtempSync(join(tmpdir(), "selfheal-audit-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function makeManifest(name: string, how = { full: false }) {
  const made = await audit.db.record.manifest((header) => manifestFile(manifestPath(join(folder, name), header)), how);
  return { ...made, file: made.file ?? "" };
}

function compared(files: string[]): Promise<ManifestReport[]> {
  return audit.reading((reader) => all(compareManifests(reader.db, files)));
}

const faultsOf = (reports: ManifestReport[]): string[] =>
  reports.flatMap(({ faults }) => faults.map(({ chain, code, detail }) => `${chain}: ${code}: ${detail}`));

describe("manifests", () => {
  it("hold every head once, then what has moved; each names the hash of the one before", async () => {
    const first = await makeManifest("series");
    await audit.db.sql(`update audit_chains set moved_at = moved_at - interval '1 day' where chain <> 'control'`);
    const more = await planned(audit.db.record, aPlan({ target: "more" }));
    const second = await makeManifest("series");
    const chains = readFileSync(second.file, "utf8")
      .split("\n")
      .slice(1, -2)
      .map((line) => (JSON.parse(line) as { chain: string }).chain);
    expect(chains.sort()).toEqual(["control", more].sort());
    expect(second).toMatchObject({ number: 2, previous: first.hash, chains: 2 });
    expect(await makeManifest("series", { full: true })).toMatchObject({ number: 3, chains: 6 });
    expect((await audit.db.record.audit("control")).at(-1)).toMatchObject({
      kind: "manifest",
      body: { number: 3, previous: second.hash },
    });
    expect(faultsOf(await compared([first.file, second.file]))).toEqual([]);
    expect(await audit.wrong()).toEqual([]);
    expect((await audit.db.record.auditLag(3_600_000)).lastManifestAt).not.toBeNull();
  });

  it("show a remediation of which nothing is left, one that was cut, and one that was written anew", async () => {
    const { file } = await makeManifest("lost");
    await eraseRemediation(audit.db, audit.written.healed);
    await harm(
      audit.db,
      `delete from audit where chain = '${audit.written.open}' and seq = 2;
       update audit_chains set seq = 1, hash = (select hash from audit where chain = '${audit.written.open}') where chain = '${audit.written.open}'`,
    );
    await writeAnew(audit.db, audit.written.observed, (one) => ({ ...one, body: { ...one.body, forged: true } }));
    const found = faultsOf(await compared([file]));
    expect(found).toHaveLength(3);
    expect(found).toContainEqual(
      expect.stringMatching(
        new RegExp(`^${audit.written.healed}: lost: it had \\d+ entries, and the record has nothing of it`),
      ),
    );
    expect(found).toContainEqual(
      expect.stringMatching(new RegExp(`^${audit.written.open}: head: its entry 2 .* is gone: the chain was cut`)),
    );
    expect(found).toContainEqual(
      expect.stringMatching(new RegExp(`^${audit.written.observed}: head: its entry 3 .* was written anew`)),
    );
  });

  it("show what was written anew before it was pruned, in the record and in an export", async () => {
    const { file } = await makeManifest("laundered");
    await writeAnew(audit.db, audit.written.observed, (one) => ({ ...one, body: { ...one.body, forged: true } }));
    const steps = await audit.reading((reader) => all(prune(reader.db, prunedBy)));
    expect(steps.flatMap((step) => step.pruned)).toContain(audit.written.observed);
    expect(await audit.wrong()).toEqual([]);
    expect(faultsOf(await compared([file]))).toEqual([
      expect.stringMatching(new RegExp(`^${audit.written.observed}: head: its entry 3 .* was written anew`)),
    ]);
    expect((await checked(await exported("laundered.jsonl"), [file])).broken).toMatchObject([
      { chain: audit.written.observed },
    ]);
  });

  it("that were changed, cut, left out or made by another record are named", async () => {
    const made = [await makeManifest("bad"), await makeManifest("bad"), await makeManifest("bad")];
    const [first = "", second = "", third = ""] = made.map(({ file }) => file);
    expect(faultsOf(await compared([first, third]))).toEqual([
      expect.stringMatching(/^manifest 3: head: manifest 1 comes before it/),
    ]);
    const text = readFileSync(second, "utf8");
    writeFileSync(second, text.replace(/"seq":(\d+)/, '"seq":1'));
    expect(faultsOf(await compared([second])).at(-1)).toMatch(
      /^manifest 2: head: the file has the hash \w{12}, the record says/,
    );
    expect(faultsOf(await compared([second, third])).at(-1)).toMatch(/^manifest 3: head: it follows/);
    writeFileSync(second, text.split("\n").slice(0, -2).join("\n"));
    await expect(compared([second])).rejects.toThrow(/no whole manifest of selfheal: its end is missing/);
    writeFileSync(second, '{"a":1}\n');
    await expect(compared([second])).rejects.toThrow(/manifest-000002-.*:1: this is no whole manifest/);
  });

  it("are recorded only when they are kept, and a failed one leaves no gap", async () => {
    const broken = {
      write: () => Promise.reject(new Error("disk full")),
      keep: () => Promise.resolve(null),
      drop: () => Promise.resolve(),
    };
    await expect(audit.db.record.manifest(() => Promise.resolve(broken), { full: false })).rejects.toThrow("disk full");
    expect(await audit.db.sql("select * from audit_manifests")).toEqual([]);
    expect(await makeManifest("retry")).toMatchObject({ number: 1 });
    expect(await audit.wrong()).toEqual([]);
  });
});

async function exported(name: string, range: { from?: string; to?: string } = {}): Promise<string> {
  const file = join(folder, name);
  const parts = await audit.reading((reader) => all(exportAudit(reader.db, { from: null, to: null, ...range })));
  writeFileSync(file, parts.join(""));
  return file;
}

async function checked(file: string, manifests: string[] = []): Promise<AuditAnswer> {
  const verdict = new AuditVerdict();
  await verifyFile(file, manifests, verdict);
  return verdict.end();
}

describe("an export", () => {
  it("is verified without the database, alone and against a manifest", async () => {
    const { file: manifest } = await makeManifest("offline");
    const file = await exported("whole.jsonl");
    expect(await checked(file, [manifest])).toMatchObject({ whole: true, chains: 5, broken: [], file: null });
    await eraseRemediation(audit.db, audit.written.healed);
    const after = await exported("erased.jsonl");
    expect(await checked(after)).toMatchObject({ whole: true, chains: 4 });
    const answer = await checked(after, [manifest]);
    expect(answer.broken).toMatchObject([{ chain: audit.written.healed, faults: [{ code: "lost" }] }]);
    expect(verdictText(answer)).toContain(`BROKEN ${audit.written.healed}\n  lost: it had`);
  });

  it("that was changed, or lost a line, is named", async () => {
    const lines = readFileSync(await exported("changed.jsonl"), "utf8").split("\n");
    const file = join(folder, "changed.jsonl");
    const at = lines.findIndex((line) => line.includes('"kind":"decision"'));
    writeFileSync(file, lines.with(at, lines[at]?.replace('"by":"ann"', '"by":"mallory"') ?? "").join("\n"));
    expect((await checked(file)).broken).toMatchObject([{ faults: [{ code: "changed" }] }]);
    writeFileSync(file, lines.toSpliced(at, 1).join("\n"));
    const answer = await checked(file);
    expect(answer.broken).toMatchObject([{ chain: audit.written.healed, faults: [{ code: "missing" }] }]);
    expect(answer.file).toMatch(/^its end says \d+ entries of 5 chains, and it has \d+ of 5$/);
    writeFileSync(file, lines.slice(0, 3).join("\n"));
    expect((await checked(file)).file).toBe("its end is missing: it was cut");
    await expect(checked(join(projectFile()))).rejects.toThrow(/no export of selfheal's audit/);
  });

  it("of some time holds what was written then, and is still verified", async () => {
    const entries = await audit.db.record.audit(audit.written.healed);
    const [from = "", to = ""] = [entries[3]?.at, entries[7]?.at];
    const file = await exported("part.jsonl", { from, to });
    const answer = await checked(file);
    expect(answer).toMatchObject({ whole: true });
    expect(answer.entries).toBe(entries.filter(({ at }) => at >= from && at < to).length);
  });

  it("of some time has no gap where the clock was set back", async () => {
    for (const at of ["10:00:05", "10:00:03", "10:00:06", "10:00:02"]) {
      await audit.db.setClock(`2100-01-01T${at}.000Z`);
      await audit.db.record.append(audit.written.open, at, "note", {});
    }
    const at = "2100-01-01T10:00:04.000Z";
    // Of 5, 3, 6, 2: what lies between the first and the last of that time.
    expect(await checked(await exported("from.jsonl", { from: at }))).toMatchObject({ whole: true, entries: 3 });
    const before = { from: "2100-01-01T10:00:00.000Z", to: at };
    expect(await checked(await exported("to.jsonl", before))).toMatchObject({ whole: true, entries: 3 });
  });
});

/** Any file that is no export. */
function projectFile(): string {
  return new URL(import.meta.url).pathname;
}

describe("retention", () => {
  const pruned = () => audit.reading((reader) => all(prune(reader.db, prunedBy)));

  it("removes what was closed long ago, and a verification says by whom instead of calling it broken", async () => {
    const { file } = await makeManifest("pruned");
    const steps = await pruned();
    expect(steps.flatMap((step) => step.pruned)).toEqual(
      expect.arrayContaining([audit.written.healed, audit.written.observed]),
    );
    expect(steps.flatMap((step) => step.pruned)).not.toContain(audit.written.open);
    expect(await audit.db.record.audit(audit.written.healed)).toEqual([]);
    const every = { from: "2020-01-01T00:00:00.000Z", to: prunedBy.before, group: null, after: null };
    const { rows } = await audit.db.record.measured(every);
    expect(rows.find(({ remediationId }) => remediationId === audit.written.healed)).toMatchObject({ pruned: true });
    expect((await audit.db.record.story(audit.written.healed))?.effects).toEqual([]);
    expect(await audit.wrong(audit.seenBy(audit.written.head))).toEqual([]);
    const report = (await audit.verified()).find(({ chain }) => chain === audit.written.healed);
    expect(report).toMatchObject({ state: "pruned", pruned: { by: "ann" } });
    expect(await compared([file])).toMatchObject([{ faults: [] }]);
    expect(await checked(await exported("pruned.jsonl"), [file])).toMatchObject({ whole: true });
    expect(await pruned()).toEqual([]);
    // A repeat of its fault is still told, behind the tombstone.
    await audit.db.record.append(audit.written.healed, "late", "note", { late: true });
    expect(await audit.wrong()).toEqual([]);
  });

  it("does not hide a loss: without its tombstone, or with another head, a chain is broken", async () => {
    await pruned();
    await harm(audit.db, `update audit_chains set hash = repeat('0', 64) where chain = '${audit.written.healed}'`);
    expect(await audit.wrong()).toEqual([expect.stringMatching(/^healed: head: the head 000000000000/)]);
    await harm(
      audit.db,
      `delete from audit where chain = '${audit.written.open}'; update audit_chains set pruned_by = 1 where chain = '${audit.written.open}'`,
    );
    expect(await audit.wrong()).toContainEqual(
      expect.stringMatching(/^open: lost: its entries are gone, and the chain control has no tombstone/),
    );
  });

  it("leaves alone what does not verify, what holds a lease, and what is open", async () => {
    await harm(
      audit.db,
      `update effects set detail = 'x'; insert into leases select '${audit.written.observed}', 'group:web', 'leftOut', selfheal_now()`,
    );
    const [step] = await pruned();
    expect(step?.pruned).not.toContain(audit.written.healed);
    expect(step?.kept).toMatchObject([{ remediationId: audit.written.healed, fault: { code: "row" } }]);
    expect((await audit.db.record.audit(audit.written.observed)).length).toBeGreaterThan(0);
    await expect(audit.db.sql(`delete from audit`)).rejects.toThrow("only appended to");
    await expect(
      audit.db.sql(`select set_config('selfheal.pruning', 'on', false); update audit set kind = 'x'`),
    ).rejects.toThrow("only appended to");
  });
});

describe("the commands", () => {
  async function selfheal(...words: string[]): Promise<{ out: string; code: number }> {
    const out: string[] = [];
    const write = vi.spyOn(process.stdout, "write").mockImplementation((text) => out.push(String(text)) > 0);
    try {
      await selfhealProgram().parseAsync(["node", "selfheal", ...words, "--db-url", audit.db.url]);
      return { out: out.join(""), code: Number(process.exitCode ?? 0) };
    } finally {
      write.mockRestore();
      process.exitCode = 0;
    }
  }

  it("verify, write and export, with a status and words that a person can act on", async () => {
    const { healed } = audit.written;
    const file = join(folder, "command.jsonl");
    expect((await selfheal("audit", "manifest", "--out", file)).out).toMatch(
      /: manifest 1 of .*: 5 heads, SHA-256 \w{64}/,
    );
    expect(await audit.db.record.audit("control")).toContainEqual(
      expect.objectContaining({ kind: "manifest", body: expect.objectContaining({ via: "cli" }) as unknown }),
    );
    const whole = await selfheal("audit", "verify", "--all", "--no-temporal", "--manifest", file);
    expect(whole).toMatchObject({
      code: 0,
      out: expect.stringMatching(/5 chains with \d+ entries: 0 broken.*\nwhole: /) as string,
    });
    await harm(audit.db, `update effects set detail = 'it was fine'`);
    const broken = await selfheal("audit", "verify", "host/healed", "--no-temporal");
    expect(broken.code).toBe(1);
    expect(broken.out).toMatch(new RegExp(`BROKEN ${healed}\n  row: the effect .* says "drained"\n.*\n.*\nNOT WHOLE`));
    const json = JSON.parse((await selfheal("--json", "audit", "verify", "--all", "--no-temporal")).out) as AuditAnswer;
    expect(json).toMatchObject({ whole: false, brokenChains: 1, broken: [{ chain: healed }] });
    const exported = (await selfheal("audit", "export")).out.trim().split("\n");
    expect(JSON.parse(exported.at(-1) ?? "")).toEqual({ chains: 5, entries: exported.length - 2 });
  });

  it("refuse what says nothing, what nobody knows, and what is too young to go", async () => {
    await expect(selfheal("audit", "verify")).rejects.toThrow("what is to be verified?");
    await expect(selfheal("audit", "verify", "nobody")).rejects.toThrow("the record knows no remediation nobody");
    await expect(selfheal("audit", "verify", "--manifest", "/nowhere")).rejects.toThrow(/--manifest \/nowhere: ENOENT/);
    await expect(selfheal("audit", "verify", "--manifest", tmpdir())).rejects.toThrow("no manifest lies there");
    const today = new Date().toISOString();
    await expect(selfheal("record", "prune", "--before", today, "--reason", "r")).rejects.toThrow(
      "at least 90 days ago",
    );
    const year = "2020-01-01";
    const nothing = await selfheal("record", "prune", "--before", year, "--reason", "r");
    expect(nothing).toMatchObject({
      code: 0,
      out: expect.stringContaining("0 remediations with 0 audit entries") as string,
    });
  });
});

describe("the audit's lag (M10)", () => {
  it("is the time from the end of the call that acted to its entry, and the age of what nobody wrote", async () => {
    const lag = await audit.db.record.auditLag(3_600_000);
    expect(lag).toMatchObject({ effects: 1, unwritten: 0 });
    expect(lag.max).toBeLessThan(4);
    const plan = aPlan({ target: "late" });
    const id = await planned(audit.db.record, plan);
    await audit.db.record.admit({ remediationId: id, plan, planHash: "x", evaluate: () => [] });
    await audit.db.record.beginEffect(anIntent(id));
    await audit.db.setClock(30_000);
    expect((await audit.db.record.auditLag(3_600_000)).unwritten).toBeGreaterThanOrEqual(30);
    await audit.db.record.settleEffect(anIntent(id).key, "happened", null, "", {
      actedAt: new Date(Date.now() + 25_000).toISOString(),
    });
    const after = await audit.db.record.auditLag(3_600_000);
    expect(after).toMatchObject({ effects: 2, unwritten: 0 });
    expect(after.max).toBeGreaterThan(4);
    await audit.db.record.close(closing(id));
  });
});
