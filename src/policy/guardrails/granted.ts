import { pass, stop, type Guardrail } from "../guardrail.ts";

/** A team's runbooks touch only groups that it was granted, and any runbook only those that it names itself. */
export const granted: Guardrail = {
  name: "granted",
  counted: false,
  evaluate({ runbook, target: { group } }, { grant: { team, groups } }) {
    const whose = team === null ? `the runbook ${runbook}` : `the runbook ${runbook} of team ${team}`;
    if (groups === null) return pass("granted", `${whose} may touch every group`, { team, groups });
    const saw = { team, groups: [...groups], group };
    if (groups.includes(group)) return pass("granted", `${whose} may touch group ${group}`, saw);
    const may = groups.length === 0 ? "none" : groups.join(", ");
    return stop("granted", "refuse", "GROUP_NOT_GRANTED", `${whose} may not touch group ${group}, only: ${may}`, saw);
  },
};
