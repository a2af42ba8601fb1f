/** A Temporal that is told what to do, and a catalogue of one runbook. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Alert } from "../../../src/contracts/alert.ts";
import { workflowId } from "../../../src/contracts/ids.ts";
import type { AlertMessage, RecoverMessage } from "../../../src/contracts/messages.ts";
import type { TargetRef } from "../../../src/contracts/target.ts";
import { Unavailable } from "../../../src/starters/problems.ts";
import type { Decision, Remediations, StartRequest } from "../../../src/starters/remediations.ts";
import type { Classified } from "../../../src/starters/route.ts";
import type { SeenRun } from "../../../src/starters/runs.ts";

/** `host` label -> host; `mystery` has no runbook, no label is no target. */
export function classifyByHost(alert: Alert): Classified {
  const { alertname, host } = alert.labels;
  if (alertname === "Mystery") return { kind: "unmatched", detail: "no runbook matches Mystery" };
  if (host === undefined || host.startsWith("unknown")) {
    return { kind: "noTarget", code: "TARGET_UNKNOWN", detail: "the inventory has no such host" };
  }
  const target = { kind: "host", id: host, group: "web" };
  return { kind: "matched", runbook: { name: "disk-replacement" }, target, joinKey: "disk-replacement" };
}

export class FakeRemediations implements Remediations {
  /** Signals that Temporal took, in order. */
  readonly signals: { workflowId: string; message: AlertMessage }[] = [];
  readonly starts: StartRequest[] = [];
  readonly hints: { workflowId: string; about: string }[] = [];
  readonly decisions: { workflowId: string; decision: Decision }[] = [];
  readonly running = new Set<string>();
  readonly recoveries: RecoverMessage[] = [];
  onRecover: (target: TargetRef) => void = () => undefined;
  readonly runs = new Map<string, SeenRun>();
  /** `all`: Temporal is away. A host's id: only its workflow is refused. */
  down: string | null = null;
  /** How long a call takes. */
  delayMs = 1;
  calls = 0;
  atOnce = 0;
  mostAtOnce = 0;
  onDecide: () => "taken" | "notRunning" = () => "taken";

  async start(request: StartRequest): Promise<void> {
    const id = workflowId(request.target);
    await this.call(request.target);
    this.starts.push(request);
    this.running.add(id);
    this.signals.push({ workflowId: id, message: request.message });
  }

  async resolve(target: TargetRef, message: AlertMessage): Promise<"told" | "notRunning"> {
    const id = workflowId(target);
    await this.call(target);
    if (!this.running.has(id)) return "notRunning";
    this.signals.push({ workflowId: id, message });
    return "told";
  }

  async recover(target: TargetRef, message: RecoverMessage): Promise<void> {
    await this.call(target);
    this.recoveries.push(message);
    this.onRecover(target);
  }

  async run(id: string): Promise<SeenRun> {
    return this.runs.get(id) ?? { state: "notFound" };
  }

  async hint(id: string, about: string): Promise<"told" | "notRunning"> {
    if (this.down === "all") throw new Unavailable("temporal", "Temporal is away");
    this.hints.push({ workflowId: id, about });
    return "told";
  }

  async decide(id: string, decision: Decision): Promise<"taken" | "notRunning"> {
    this.decisions.push({ workflowId: id, decision });
    return this.onDecide();
  }

  async ping(): Promise<void> {
    if (this.down === "all") throw new Unavailable("temporal", "Temporal is away");
  }

  private async call(target: TargetRef): Promise<void> {
    this.calls += 1;
    this.atOnce += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.atOnce);
    try {
      await sleep(this.delayMs);
      if (this.down === "all") throw new Unavailable("temporal", "Temporal is away");
      if (this.down === target.id) throw new Unavailable("temporal", "refused", { reach: "one" });
    } finally {
      this.atOnce -= 1;
    }
  }
}
