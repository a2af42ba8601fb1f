import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { remediationCommand } from "../../src/cli/remediation.ts";
import type { AuditRow } from "../../src/record/api.ts";
import type { JsonObject } from "../../src/contracts/json.ts";
import { storyOf } from "../../src/starters/story/story.ts";
import { ID, row, story } from "./support/story.ts";

const HELD = {
  phase: "act",
  by: "ada",
  since: "2026-11-21T10:00:00.000Z",
  reason: "I look",
  at: "replace/dc",
  about: "ticket.open: refused",
  commands: ["retry", "markDone", "release", "end"],
};
let audit: AuditRow[];
let sent: { path: string; body: unknown }[];
/** What the workflow makes of a command. */
let onSent: () => void;
/** What goes on while the command line waits. */
let onSleep: () => void;
let printed: string;
let noted: string;

beforeEach(() => {
  [audit, sent, printed, noted] = [[], [], "", ""];
  [onSent, onSleep] = [() => undefined, () => undefined];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => ((printed += String(text)), true));
  vi.spyOn(process.stderr, "write").mockImplementation((text) => ((noted += String(text)), true));
});
afterEach(() => vi.restoreAllMocks());

function append(kind: string, body: object): void {
  const seq = audit.length + 1;
  const at = `2026-11-21T10:00:0${seq}.000Z`;
  audit.push({ remediationId: ID, seq, at, kind, body: body as JsonObject, previousHash: "", hash: "" });
}

function command(name: string, by: string, status: "counted" | "ignored", detail = ""): void {
  append("command", { command: name, by, status, detail });
}

let closed = false;
const TOKEN = {
  remediationId: ID,
  workflowId: "heal:host:web-1",
  planHash: null,
  token: "selfheal_abc",
  expiresAt: "2026-11-21T11:00:00.000Z",
};
const fakeFetch: typeof fetch = async (url, init) => {
  const { pathname } = new URL(url);
  if (init?.method !== "POST") {
    const remediation = closed
      ? row({ closedAt: "2026-11-21T10:05:00.000Z", outcome: "healed" })
      : row({ phase: "act" });
    const recorded = { ...story(), remediation, audit };
    return Response.json(pathname.endsWith("/story") ? storyOf(recorded) : recorded);
  }
  sent.push({ path: pathname, body: JSON.parse(init.body as string) });
  onSent();
  if (pathname.endsWith("/token")) return Response.json({ ...TOKEN, ...(JSON.parse(init.body as string) as object) });
  const { by } = JSON.parse(init.body as string) as { by: string };
  const target = { kind: "host", id: "web-1" };
  return Response.json({ remediationId: ID, target, decision: "take", by, planHash: null });
};

async function run(...args: string[]): Promise<void> {
  const root = new Command("selfheal").option("--json").exitOverride();
  const outside = {
    fetch: fakeFetch,
    now: () => 0,
    sleep: () => Promise.resolve().then(onSleep),
    interactive: false,
    user: () => "ada",
  };
  const made = remediationCommand({ url: "http://api:1", token: "secret-1", outside });
  for (const child of made.commands) child.exitOverride().configureOutput({ writeErr: () => undefined });
  await root.addCommand(made).parseAsync(["remediation", ...args], { from: "user" });
}

describe("take", () => {
  test("says who holds it, where it stands and what goes on now", async () => {
    onSent = () => {
      command("take", "ada", "counted");
      append("held", HELD);
    };
    await run("take", "web-1", "--reason", "I look");
    expect(sent).toEqual([{ path: `/v1/remediations/${ID}/take`, body: { by: "ada", reason: "I look", via: "cli" } }]);
    expect(printed).toContain(`take: taken by remediation ${ID} of host/web-1`);
    expect(printed).toContain(
      "held by ada since 2026-11-21T10:00:00.000Z: I look; it stands at replace/dc (ticket.open: refused)",
    );
    expect(printed).toContain(`  selfheal remediation mark-done ${ID} --by "ada"`);
  });

  test("that does not hold yet says so, and that nobody knows why not", async () => {
    await run("take", "web-1");
    expect(noted).toContain("it is carried out after the current call");
  });

  test("that does not count is an error with the reason", async () => {
    onSent = () => command("take", "ada", "ignored", "ada is not among the people of selfheal.yaml");
    await expect(run("take", "web-1")).rejects.toThrow("the take of ada does not count: ada is not among the people");
  });

  test("of what is closed is refused before anybody is asked", async () => {
    closed = true;
    await expect(run("take", "web-1")).rejects.toThrow(`remediation ${ID} is closed already: healed`);
    closed = false;
    expect(sent).toEqual([]);
  });
});

describe("a command of the holder", () => {
  beforeEach(() => {
    command("take", "ada", "counted");
    append("held", HELD);
  });

  test("is bound to where it stood, and does not take an older one for its answer", async () => {
    command("retry", "ada", "ignored", "of before");
    onSent = () => command("retry", "ada", "counted");
    await run("retry", "web-1", "--by", "ada");
    expect(sent).toEqual([{ path: `/v1/remediations/${ID}/retry`, body: { by: "ada", at: "replace/dc", via: "cli" } }]);
  });

  test("mark-done carries what the step gave, and refuses what is no object", async () => {
    onSent = () => command("markDone", "ada", "counted");
    await run("mark-done", "web-1", "--result", '{"ticketId":"42"}');
    const body = { by: "ada", at: "replace/dc", result: { ticketId: "42" }, via: "cli" };
    expect(sent).toEqual([{ path: `/v1/remediations/${ID}/mark-done`, body }]);
    await expect(run("mark-done", "web-1", "--result", "42")).rejects.toThrow("A JSON object");
  });

  test.each(["retry", "skip", "mark-done"])(
    "%s says where it stands next, once it stands still again",
    async (name) => {
      onSent = () => command(name === "mark-done" ? "markDone" : name, "ada", "counted");
      const steps = [() => append("progress", {}), () => append("held", { ...HELD, at: "replace/wait" })];
      onSleep = () => steps.shift()?.();
      await run(name, "web-1", "--by", "ada");
      expect(printed).toContain("it stands at replace/wait");
      expect(noted).toBe("");
    },
  );

  test("that takes longer says where to look for what comes next", async () => {
    onSent = () => command("skip", "ada", "counted");
    await run("skip", "web-1", "--by", "ada");
    expect(noted).toContain(`stands still again after that: look at \`selfheal remediation show ${ID}\``);
  });

  test("stands in show while it is held, and no longer once it moves or is released", async () => {
    const line = "held by ada since";
    await run("show", "web-1");
    expect(printed).toContain(line);
    for (const move of [() => append("progress", {}), () => command("release", "ada", "counted")]) {
      append("held", HELD);
      move();
      printed = "";
      await run("show", "web-1");
      expect(printed).not.toContain(line);
    }
  });
});

describe("a token for a command past the API", () => {
  const signalOf = (name: string, input: object): string =>
    `temporal workflow signal --workflow-id 'heal:host:web-1' --name remediation.${name} --input '${JSON.stringify(input)}'`;

  test("to take it over prints the signal, bound to the remediation", async () => {
    await run("token", "web-1", "--decision", "take", "--by", "grace", "--expires-in", "60");
    const body = { by: "grace", decision: "take", expiresInSeconds: 60 };
    expect(sent).toEqual([{ path: "/v1/remediations/web-1/token", body }]);
    // On a line of its own: people copy it.
    expect(printed.trimEnd().split("\n")).toEqual([
      "for grace alone, once, until 2026-11-21T11:00:00.000Z:",
      signalOf("take", { remediationId: ID, by: "grace", token: "selfheal_abc" }),
    ]);
  });

  test("of its holder is bound to where it stands, and is asked for by the name that people type", async () => {
    command("take", "ada", "counted");
    append("held", HELD);
    await run("token", "web-1", "--decision", "mark-done");
    expect(sent).toEqual([{ path: "/v1/remediations/web-1/token", body: { by: "ada", decision: "markDone" } }]);
    const input = { remediationId: ID, at: "replace/dc", by: "ada", token: "selfheal_abc" };
    expect(printed).toContain(signalOf("markDone", input));
  });

  test("for a cancel there is none: it needs no token", async () => {
    await expect(run("token", "web-1", "--decision", "cancel")).rejects.toThrow(
      "Allowed choices are approve, reject, withdraw, take",
    );
    expect(sent).toEqual([]);
  });
});
