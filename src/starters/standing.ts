/** Standing approvals (standard changes) that people give by hand: for one version of a runbook, on one group. */
import type { Catalogue, Runbook } from "../catalogue/catalogue.ts";
import { whyUnknown } from "../catalogue/people.ts";
import type { StandingApproval } from "../contracts/facts.ts";
import type { RecordStore } from "../record/api.ts";
import type { StandingRow } from "../record/api-autonomy.ts";
import { conflict, notAllowed, notFound, throughRecord, wrongField } from "./problems.ts";

export interface StandingDependencies {
  record: Pick<RecordStore, "now" | "giveStanding" | "standingRows" | "withdrawStanding">;
  /** The active catalogue. */
  active: () => Promise<Catalogue>;
}

export interface GiveWish {
  runbook: string;
  group: string;
  by: string;
  reason: string;
  forMs: number;
  maxCount: number;
}

export interface GiveAnswer extends StandingApproval {
  /** Members of the group that it covers now, of all that the runbook is for. */
  covers: { targets: number; of: number; because: string };
}

export async function giveStanding({ record, active }: StandingDependencies, wish: GiveWish): Promise<GiveAnswer> {
  const catalogue = await throughRecord("read the active catalogue", active);
  const runbook = runbookOf(catalogue, wish.runbook);
  requireGroup(catalogue, wish.group);
  const { approval, metadata } = runbook.spec;
  const roles = approval?.roles ?? catalogue.approvals.roles;
  const fault = whyUnknown(catalogue, wish.by, roles, `a standing approval of ${runbook.name}`);
  if (fault !== null) throw notAllowed(fault);
  const quorum = approval?.quorum ?? 1;
  if (quorum > 1)
    throw conflict(`${quorum} people must approve each plan of ${runbook.name}: no one can do so beforehand`);
  if (metadata.tags.includes("security")) {
    throw conflict(`${runbook.name} is tagged security: a person approves each of its plans`);
  }
  const covers = coverOf(catalogue, runbook, wish.group);
  if (covers.targets === 0) throw conflict(`it would cover no target of ${wish.group}: ${covers.because}`);
  const { group, by, reason, maxCount } = wish;
  const given = await throughRecord("write the standing approval", async () => {
    const expiresAt = new Date(Date.parse(await record.now()) + wish.forMs).toISOString();
    const version = { runbook: runbook.name, runbookHash: runbook.hash };
    return record.giveStanding({ ...version, group, by, reason, expiresAt, maxCount });
  });
  return { ...given, covers };
}

/** The policy says the same of each plan; here a person sees it before. */
function coverOf(catalogue: Catalogue, { spec }: Runbook, group: string): GiveAnswer["covers"] {
  const members = catalogue.inventory.targets.filter((one) => one.group === group && one.kind === spec.target.kind);
  const irreversible = spec.ladder
    .flatMap((rung) => rung.steps.map((step) => step.uses))
    .filter((uses) => catalogue.actions[uses]?.risk === "irreversible");
  if (irreversible.length === 0)
    return { targets: members.length, of: members.length, because: "no step is irreversible" };
  const because = `${irreversible.join(", ")} is irreversible, so it covers stateless targets only`;
  return { targets: members.filter((one) => one.stateless).length, of: members.length, because };
}

export function listStanding({ record }: StandingDependencies): Promise<StandingRow[]> {
  return throughRecord("list the standing approvals", () => record.standingRows());
}

/** `what`: its id, or an unambiguous beginning of at least four characters. */
export async function withdrawStanding(deps: StandingDependencies, what: string, by: string): Promise<StandingRow> {
  const rows = (await listStanding(deps)).filter(
    (one) => one.id === what || (what.length >= 4 && one.id.startsWith(what)),
  );
  const [first, ...others] = rows;
  if (first === undefined) throw notFound(`no standing approval has the id ${what.slice(0, 100)}`);
  if (others.length > 0) throw conflict(`${rows.length} standing approvals have ids that begin with ${what}`);
  if (first.state === "withdrawn") throw conflict(`${first.withdrawnBy ?? "somebody"} has withdrawn it already`);
  await throughRecord("withdraw it", () => deps.record.withdrawStanding(first.id, by));
  return { ...first, state: "withdrawn", withdrawnBy: by };
}

export function runbookOf({ runbooks }: Catalogue, name: string): Runbook {
  const found = runbooks.find((one) => one.name === name);
  if (found !== undefined) return found;
  throw wrongField("runbook", JSON.stringify(name), `one of ${runbooks.map((one) => one.name).join(", ")}`);
}

export function requireGroup({ groups }: Catalogue, name: string): void {
  if (Object.hasOwn(groups, name)) return;
  throw wrongField("group", JSON.stringify(name), `one of ${Object.keys(groups).join(", ")}`);
}
