/** Whose a target is: other systems say what they hold, and see what we hold. Two controllers undo each other's work. */
import type { TargetRef } from "../contracts/target.ts";
import type { OwnHold, TargetHold } from "../record/api-surroundings.ts";
import { hintWaiters, type ControlDependencies } from "./controls.ts";
import { notFound, throughRecord, wrongField } from "./problems.ts";
import { checkScope } from "./scopes.ts";
import { scopeOf } from "../contracts/ids.ts";

export interface HoldsAnswer {
  /** What other systems hold. */
  holds: TargetHold[];
  /** What selfheal holds: leave it alone. */
  ours: OwnHold[];
}

export async function listHolds({ record }: Pick<ControlDependencies, "record">): Promise<HoldsAnswer> {
  const [holds, ours] = await throughRecord("list the holds", () => Promise.all([record.holds(), record.ownHolds()]));
  return { holds, ours };
}

/** Says it again to renew it. Answers also whom of ours it meets: a remediation in work goes on. */
export async function putHold(
  { record }: Pick<ControlDependencies, "record">,
  wish: { target: string; holder: string; reason: string; forMs: number | null },
): Promise<{ hold: TargetHold; ours: OwnHold[] }> {
  const target = targetOf(wish.target);
  await checkScope(record, scopeOf.target(target));
  return throughRecord("write the hold", async () => {
    const { holder, reason, forMs } = wish;
    const until = forMs === null ? null : new Date(Date.parse(await record.now()) + forMs).toISOString();
    const hold = await record.hold({ target, holder, reason, until });
    const ours = (await record.ownHolds()).filter(
      (one) => one.target.kind === target.kind && one.target.id === target.id,
    );
    return { hold, ours };
  });
}

export async function releaseHold(
  deps: ControlDependencies,
  { target: text, holder, by }: { target: string; holder: string; by: string },
): Promise<{ target: TargetRef; hinted: number }> {
  const target = targetOf(text);
  if (!(await throughRecord("release the hold", () => deps.record.releaseHold(target, holder, by)))) {
    const detail = `${holder} does not hold ${text}`;
    throw notFound(detail);
  }
  return { target, hinted: await hintWaiters(deps) };
}

/** `kind/id`; an id may have slashes. */
function targetOf(text: string): TargetRef {
  const [kind = "", ...rest] = text.split("/");
  const id = rest.join("/");
  if (kind !== "" && id !== "") return { kind, id };
  throw wrongField("target", JSON.stringify(text), "KIND/ID, such as host/web-1");
}
