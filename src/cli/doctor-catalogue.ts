/** The doctor's checks of the catalogue: teams, the version in use, and the labels of alerts. */
import type { Catalogue } from "../catalogue/catalogue.ts";
import { checkIdentity, unnamed, type IdentityRow } from "../catalogue/identity-check.ts";
import { formatProblem } from "../catalogue/problems.ts";
import type { RecordStore } from "../record/api.ts";
import type { RightFolder } from "../starters/active-catalogue.ts";
import { fail, failed, ok, warn, type Line } from "./doctor-line.ts";

/** A team's mistake is the team's alone, and must be seen all the same. */
export function teamLines(folder: string, { teams, problems }: RightFolder): Line[] {
  return teams.flatMap(({ team, state }) => {
    if (state === "current") return [];
    const first = problems.find((problem) => problem.file.startsWith(`teams/${team}/`) && problem.severity === "error");
    const detail = `the runbooks of team ${team} are wrong${first === undefined ? "" : `: ${formatProblem(first)}`}`;
    return [fail("catalogue", detail, `selfheal runbook check ${folder}`, "configuration")];
  });
}

export async function checkActive(record: RecordStore, catalogue: Catalogue | null): Promise<Line[]> {
  try {
    const active = await record.activeVersion();
    const next = "selfheal catalogue   # `serve` takes right edits over within seconds; it says why not";
    if (active === null) return [warn("catalogue", "none is active in the record yet", next)];
    if (catalogue === null) return [];
    if (active === catalogue.version) return [ok("catalogue", "the same is active in the record")];
    return [warn("catalogue", `another one is active in the record: ${active.slice(0, 12)}`, next)];
  } catch (error) {
    return [failed("catalogue", error, "check the database")];
  }
}

const LAST_ALERTS = 500;

/** Labels of alerts that came lately, as the folder would read them now. */
export async function checkLabels(record: RecordStore, catalogue: Catalogue | null): Promise<Line[]> {
  if (catalogue === null) return [];
  try {
    const alerts = await record.alerts({ limit: LAST_ALERTS });
    const asked = checkIdentity(
      catalogue,
      alerts.map(({ labels }) => labels),
    ).filter((row) => row.runbook !== null);
    const without = unnamed(asked);
    const [first] = without;
    const count = (rows: readonly IdentityRow[]): number => rows.reduce((sum, row) => sum + row.alerts, 0);
    if (first === undefined)
      return [ok("identity", `${count(asked)} of the last alerts have a runbook, and all name their target`)];
    const name = first.labels["alertname"] ?? "without a name";
    const detail = `${count(without)} of the last ${count(asked)} alerts with a runbook name no target; ${name}: ${first.detail}`;
    return [
      warn(
        "identity",
        detail,
        first.hint ?? "selfheal identity check --alerts FILE, then correct inventory.yaml or target.from",
      ),
    ];
  } catch (error) {
    return [failed("identity", error, "check the database")];
  }
}
