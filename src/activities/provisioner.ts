import { z } from "zod";
import type { AnyAction, EffectContext, Observation } from "../ports/action.ts";
import type { ProvisionedNode } from "../ports/ports.ts";
import { seenOf } from "../ports/watched.ts";
import {
  APPLY_TIMEOUT_MS,
  attribute,
  defineAction,
  failed,
  given,
  happened,
  HOUR_MS,
  MINUTE_MS,
  notHappened,
  pending,
  unknown,
} from "./define.ts";

const input = z.strictObject({
  image: z.string().min(1).optional().describe("what to install; default: the target's attribute `image`"),
  node: z
    .string()
    .min(1)
    .optional()
    .describe("the provisioner's name of it; default: the attribute `node`, else the id"),
});
type Input = z.infer<typeof input>;

const nodeOf = ({ target }: EffectContext, { node }: Input): string => node ?? attribute(target, "node") ?? target.id;

async function observe(context: EffectContext, what: Input): Promise<Observation> {
  const name = nodeOf(context, what);
  const node = await context.ports.provisioner.node(name);
  if (node === null) return failed(`there is no node ${name}`);
  const detail = `node ${name} is ${node.rawState}${node.error ? `: ${node.error}` : ""}`;
  if (node.noted?.key !== context.key) {
    return node.state === "busy"
      ? failed(`${detail}, and not by this remediation`)
      : notHappened(`${detail}, no rebuild noted`);
  }
  return rebuilt(node, node.noted.changedAtBefore, detail);
}

/** Ours is noted: has the node changed its state since, and to what? */
function rebuilt(node: ProvisionedNode, changedAtBefore: string | null, detail: string): Observation {
  if (node.state === "busy") return pending(detail, "provisioner", node.node, seenOf.node(node));
  if (node.changedAt === null) return unknown(`${detail}; it does not say since when`);
  if (node.changedAt === changedAtBefore)
    return notHappened(`${detail} since ${node.changedAt}, before the rebuild was asked for`);
  if (node.state === "active")
    return happened(`${detail} since ${node.changedAt}`, { node: node.node, changedAt: node.changedAt });
  return failed(detail);
}

const rebuild = defineAction<Input>({
  name: "provisioner.rebuild",
  version: 1,
  summary: "Installs the host anew; everything on its disks is lost.",
  risk: "irreversible",
  input,
  output: z.object({ node: z.string(), changedAt: z.string() }),
  applyTimeoutMs: APPLY_TIMEOUT_MS,
  lifeMs: 2 * MINUTE_MS,
  defaultWithinMs: 2 * HOUR_MS,
  perform: {
    apply: (context, what) => {
      const image = given(what.image, context.target, "image", "provisioner.rebuild");
      return context.ports.provisioner.rebuild(nodeOf(context, what), context.key, image);
    },
    observe,
  },
});

export const provisionerActions: AnyAction[] = [rebuild];
