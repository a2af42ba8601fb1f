/** What comes over the hosts of a storm: alerts and people. Both repeat what was not answered. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { workflowId } from "../../src/contracts/ids.ts";
import { webhookPayload } from "../../src/lab/alerts.ts";
import { alertmanager } from "../../src/starters/sources/alertmanager.ts";
import type { TellStory } from "../../src/starters/http/remediations.ts";
import { temporalRemediations } from "../../src/starters/temporal.ts";
import type { Live } from "../support/live.ts";
import { untilSettled } from "./settle.ts";
import { otherName, type Storm, type Victim } from "./storm.ts";
import type { Scenario } from "./table.ts";

/** Between two alerts. */
const STAGGER_MS = 250;
const LOOK_EVERY_MS = 300;

type Word = () => Promise<unknown>;

/**
 * All alerts, and what people do. Resolves when every point has struck and every remediation is closed; rejects with the
 * stories of those that are not after `withinMs`, or as soon as a point cannot strike any more.
 */
export async function weather(storm: Storm, withinMs: number): Promise<void> {
  const over = new AbortController();
  const people = act(storm, over.signal);
  try {
    for (const victim of storm.victims) {
      begin(storm, victim, over.signal);
      await sleep(STAGGER_MS);
    }
    await untilSettled(storm, { withinMs, begin: (victim) => begin(storm, victim, over.signal) });
  } finally {
    over.abort();
    await people;
  }
}

function begin(storm: Storm, victim: Victim, over: AbortSignal): void {
  const { live } = storm;
  const { host, row } = victim;
  const { scenario } = row;
  const { world } = live.lab;
  const faults: Partial<Record<Scenario, "technician-absent" | "wrong-disk">> = {
    cancelled: "technician-absent",
    notReplaced: "wrong-disk",
    taken: "technician-absent",
    terminated: "technician-absent",
  };
  const fault = faults[scenario];
  if (fault !== undefined) storm.faults.set(host, live.lab.inject({ name: fault, host }).id);
  world.failDisk(host);
  const body = webhookPayload(live.lab, { hosts: [host] });
  if (scenario === "misrouted") void misroute(live, host, body);
  else void send(live, body, scenario === "forgotten" ? 1 : Infinity, over);
}

/** As Alertmanager: again until it is answered. */
async function send(live: Live, body: unknown, tries: number, over: AbortSignal): Promise<void> {
  const request = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  for (let attempt = 1; attempt <= tries && !over.aborted; attempt++) {
    const answer = await fetch(`${live.stack.urls.api}/v1/alerts/alertmanager`, request).catch(() => null);
    if (answer?.ok === true) return;
    await sleep(500);
  }
}

/** A starter with an older catalogue, which knows the host by another name. */
async function misroute(live: Live, host: string, body: unknown): Promise<void> {
  const [item] = alertmanager.normalise(body, { receivedAt: new Date().toISOString(), maxAlerts: 1 }).items;
  if (item?.kind !== "alert") throw new Error(`no alert of ${host}`);
  await temporalRemediations(live.client).start({
    target: { kind: "host", id: otherName(host) },
    message: { alert: item.alert, remediationId: randomUUID(), joinKey: "disk-replacement" },
    runbook: "disk-replacement",
    group: "web",
    severity: "critical",
  });
}

/** Approves what waits, and does to each host what its scenario says; what was not answered is tried again. */
async function act(storm: Storm, over: AbortSignal): Promise<void> {
  const { live } = storm;
  const todo = new Map<string, Word[]>();
  while (!over.aborted) {
    const waiting = await live.api.list({ phase: "approve", open: "true", limit: "1000" }).catch(() => []);
    for (const { target, planHash } of waiting) {
      if (planHash !== null) await live.api.decide("approve", target.id, { by: "ada", planHash }).catch(() => null);
    }
    for (const { host, row } of storm.victims) {
      const words = todo.get(host) ?? wordsOf(storm, host, row.scenario);
      todo.set(host, words);
      const [first] = words;
      if (first === undefined) continue;
      if (!live.lab.world.log.some((entry) => entry.host === host && entry.what === "ticket-created")) continue;
      if ((await first().catch(() => null)) !== null) words.shift();
    }
    await sleep(LOOK_EVERY_MS);
  }
}

/** What people do, once its ticket is open; one after the other, each until it was taken. */
function wordsOf({ live, faults }: Storm, host: string, scenario: Scenario): Word[] {
  const say = (kind: "cancel" | "take" | "release") => async (): Promise<void> => {
    // Its answer may have been lost with the API: who holds it already cannot take it once more.
    if (counted(await live.api.story(host), kind)) return;
    await live.api.decide(kind, host, { by: "ada", reason: "we retire it" });
  };
  if (scenario === "cancelled") return [say("cancel")];
  if (scenario === "taken") return [say("take"), say("release"), async () => live.lab.clear(faults.get(host))];
  if (scenario !== "terminated") return [];
  const terminate = (): Promise<unknown> =>
    live.client.workflow.getHandle(workflowId({ kind: "host", id: host })).terminate("by hand");
  return [terminate, () => live.api.recover(host, "ada")];
}

function counted({ audit }: TellStory, command: string): boolean {
  return audit.some(
    ({ kind, body }) => kind === "command" && body["command"] === command && body["status"] === "counted",
  );
}
