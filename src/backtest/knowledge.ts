/**
 * What the catalogue says about alerts, remembered. Production asks it once for each alert; a month of alerts asks the
 * same again and again. Alerts that a runbook cannot tell apart (catalogue/reads.ts) are compiled once.
 */
import type { Alert } from "../contracts/alert.ts";
import type { Plan } from "../contracts/plan.ts";
import type { ProbeSpec } from "../contracts/probe.ts";
import type { Target } from "../contracts/target.ts";
import type { Catalogue, Runbook } from "../catalogue/catalogue.ts";
import { compileFor, nameTarget, type Classification, type Matched, type Named } from "../catalogue/classify.ts";
import { consider, considerSketch, type Considered } from "../catalogue/consider.ts";
import { readsOf } from "../catalogue/reads.ts";
import type { Assumptions } from "./assumptions.ts";
import { Kept } from "./kept.ts";

/** By label set. An entry is little more than its key: what it says is there once for all that get it. */
const KEPT_CLASSES = 100_000;
/** With what is made of it, a plan is some kilobytes; what a target asks for again, it asks for within days. */
const KEPT_PLANS = 20_000;
/** Most targets of a group share theirs. */
const KEPT_PARTS = 20_000;
const NO_PROBE: ProbeSpec = { name: "", uses: "", with: {}, states: { unhealthy: "", healthy: "" } };

export class Knowledge {
  private readonly catalogue: Catalogue;
  private readonly evidence: Assumptions["evidence"];
  private readonly classes = new Kept<Classification>(KEPT_CLASSES);
  private readonly compiled = new Kept<Classification>(KEPT_PLANS);
  private readonly plans = new Kept<Considered>(KEPT_PLANS);
  private readonly parts = new Kept<unknown>(KEPT_PARTS);
  /** By what they name: at most one for each target of the inventory. */
  private readonly unmatched = new Map<Target | null, Classification>();
  private readonly reads = new Map<Runbook, (alert: Alert) => string>();

  constructor(catalogue: Catalogue, evidence: Assumptions["evidence"]) {
    this.catalogue = catalogue;
    this.evidence = evidence;
  }

  classify(alert: Alert): Classification {
    return this.classes.get(`${alert.source} ${alert.fingerprint}`, () => {
      const named = nameTarget(this.catalogue, alert);
      if (named.kind === "named") return this.compile(alert, named);
      return named.kind === "unmatched" ? this.nobodys(named) : named;
    });
  }

  /** What alerts are that no runbook matches is said by whom they name: nobody reads the sentence. */
  private nobodys(unmatched: Extract<Classification, { kind: "unmatched" }>): Classification {
    const { target } = unmatched;
    const known = this.unmatched.get(target) ?? { ...unmatched, detail: "" };
    this.unmatched.set(target, known);
    return known;
  }

  /** `onPlan` sees each plan that is made, before it is kept. */
  consider(matched: Matched, alerts: Alert[], onPlan: (plan: Plan) => void): Considered {
    const [first] = alerts as [Alert, ...Alert[]];
    const evidence = this.evidence(matched.runbook.name, first);
    const key = evidence === null ? alerts.map((alert) => this.keyOf(matched, alert)) : alerts.map(identityOf);
    return this.plans.get(key.join("|"), () => {
      const considered =
        evidence === null
          ? considerSketch(this.catalogue, matched, alerts)
          : consider(this.catalogue, matched, alerts, evidence);
      if (considered.kind === "noPlan") return considered;
      onPlan(considered.plan);
      return { ...considered, plan: this.slim(considered.plan) };
    });
  }

  private compile(alert: Alert, named: Named): Classification {
    return this.compiled.get(this.keyOf(named, alert), () => {
      const classified = compileFor(this.catalogue, alert, named);
      // No probe is asked here, and by which label this very alert named its target is nobody's question.
      return classified.kind === "matched" ? { ...classified, probe: NO_PROBE, detail: "" } : classified;
    });
  }

  private keyOf({ runbook, target }: Pick<Named, "runbook" | "target">, alert: Alert): string {
    let reads = this.reads.get(runbook);
    if (reads === undefined) this.reads.set(runbook, (reads = readsOf(this.catalogue, runbook)));
    return `${runbook.name} ${target.kind} ${target.id} ${reads(alert)}`;
  }

  /** Without what only the interpreter reads; what plans have in common is there once. */
  private slim(plan: Plan): Plan {
    const rungs = plan.rungs.map(({ name, steps, verify }) => {
      return { name, steps: steps.map((step) => ({ ...step, with: {} })), verify: { ...verify, also: [] } };
    });
    return {
      ...plan,
      rungs: this.shared(rungs),
      limits: this.shared(plan.limits),
      finish: this.shared(plan.finish),
      approval: this.shared(plan.approval),
      harm: null,
      probe: this.shared({ ...plan.probe, with: {} }),
      collected: {},
    };
  }

  private shared<T>(part: T): T {
    return this.parts.get(JSON.stringify(part), () => part) as T;
  }
}

function identityOf({ source, fingerprint }: Alert): string {
  return `${source} ${fingerprint}`;
}
