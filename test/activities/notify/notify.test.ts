/** `remediation.notify`: recorded first, sent once for each key, and told all the same where nothing can be recorded. */
import pino from "pino";
import { beforeEach, describe, expect, it } from "vitest";
import type { ActivityDependencies } from "../../../src/activities/dependencies.ts";
import { notify, notifyOnce } from "../../../src/activities/remediation/close.ts";
import type { Message } from "../../../src/ports/ports.ts";
import type { EscalationStands } from "../../../src/record/api.ts";

const REQUEST = {
  remediationId: "r1",
  key: "asked",
  route: "page",
  severity: "critical",
  title: "t",
  text: "x",
} as const;

let sent: Message[];
let written: (string | null)[];
beforeEach(() => {
  [sent, written] = [[], []];
});

/** `stands`: the record's answer; an error: it does not answer. */
function deps(stands: EscalationStands | Error, refused?: Error): ActivityDependencies {
  const record = {
    escalation: () => (stands instanceof Error ? Promise.reject(stands) : Promise.resolve(stands)),
    escalationSent: (_id: string, _key: string, error: string | null) => Promise.resolve(void written.push(error)),
  };
  const send = (message: Message) => (refused ? Promise.reject(refused) : Promise.resolve(void sent.push(message)));
  const log = pino({ level: "silent" });
  return { record, ports: { notify: { send } }, log } as unknown as ActivityDependencies;
}

describe("a person is told", () => {
  it.each([
    ["new", [{ key: "r1/asked", again: false }], [null]],
    ["unsent", [{ key: "r1/asked", again: true }], [null]],
    ["sent", [], []],
  ] as const)("what is %s in the record", async (stands, expected, noted) => {
    await notify(deps(stands), REQUEST);
    expect([sent, written]).toMatchObject([expected, noted]);
  });

  it("only of what is new, where the sweeper sends the rest", async () => {
    await notifyOnce(deps("unsent"), REQUEST);
    expect(sent).toEqual([]);
    await notifyOnce(deps("new"), REQUEST);
    expect(sent).toMatchObject([{ key: "r1/asked", again: false }]);
  });

  it("though the record is away, which is a reason to page", async () => {
    await notify(deps(new Error("the database is away")), REQUEST);
    expect(sent).toMatchObject([{ key: "r1/asked", route: "page", remediationId: "r1" }]);
  });

  it("later, when nobody took it: the record says why, and the caller may try again", async () => {
    await expect(notify(deps("new", new Error("no channel took it")), REQUEST)).rejects.toThrow("no channel took it");
    expect(written).toEqual(["no channel took it"]);
  });
});
