import { z } from "zod";
import { apiVersion, jsonObject, name, text } from "./common.ts";

const ID = "a name, at most 253 characters, without white space";
const id = z
  .string({ error: ID })
  .trim()
  .regex(/^\S{1,253}$/, { error: ID });

const SCOPE = "group:NAME, rack:NAME, region:NAME, service:NAME or target:KIND:ID";
const dependsOn = z
  .array(
    z
      .string({ error: SCOPE })
      .regex(/^((group|rack|region|service):\S{1,100}|target:[^:\s]+:\S{1,253})$/, { error: SCOPE }),
  )
  .default([])
  .describe(`what it needs to work: ${SCOPE}`);

/** Of a rack, a region or a service: everything in it inherits this. */
const place = z.strictObject({ dependsOn });

/** Fields of a target that expressions see beside its attributes: an attribute may not hide one. */
export const TARGET_FIELDS = [
  "kind",
  "id",
  "owner",
  "group",
  "rack",
  "region",
  "services",
  "labels",
  "stateless",
  "dependsOn",
  "attributes",
];

export const targetSchema = z.strictObject({
  kind: name,
  id: id.describe("the canonical name: it becomes part of the workflow id"),
  aliases: z.array(id).default([]).describe("further names and addresses"),
  owner: text.optional().describe("default: the group's owner"),
  group: name,
  rack: name.nullable().default(null),
  region: name.nullable().default(null),
  services: z.array(name).default([]),
  labels: z
    .record(z.string().min(1), z.string({ error: "a text: write it in quotes" }))
    .default({})
    .describe('`selfheal: "off"` opts out; `held-by` names another system that holds it'),
  dependsOn,
  stateless: z.boolean().default(false).describe("nothing is lost when it is reinstalled"),
  attributes: jsonObject
    .refine((all) => TARGET_FIELDS.every((field) => !Object.hasOwn(all, field)), {
      error: `names other than ${TARGET_FIELDS.join(", ")}`,
    })
    .default({})
    .describe("whatever else is known: pool, image, diskCount, node, bmc …"),
});
export type TargetSpec = z.infer<typeof targetSchema>;

export const inventorySchema = z.strictObject({
  apiVersion,
  kind: z.literal("Inventory"),
  domains: z
    .array(
      z
        .string()
        .trim()
        .regex(/^\.?[A-Za-z0-9.-]+$/, { error: "a domain such as example.net" }),
    )
    .default([])
    .describe("taken off the end of names: web-1.example.net is web-1"),
  regions: z.record(name, place).default({}).describe("where any is named here, every target's region must be"),
  racks: z
    .record(name, place.extend({ region: name.optional().describe("of targets that name none") }))
    .default({})
    .describe("where any is named here, every target's rack must be"),
  services: z.record(name, place).default({}).describe("where any is named here, every target's services must be"),
  targets: z.array(targetSchema).default([]),
});
export type InventorySpec = z.infer<typeof inventorySchema>;
