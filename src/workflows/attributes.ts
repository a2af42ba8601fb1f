/**
 * Search attributes, written when the workflow is about to wait or to end: one upsert for all that changed since, none for
 * what stands already (the starter sets most of them). Each upsert is an event, an Action and a write of the server.
 */
import { defineSearchAttributeKey } from "@temporalio/common";
import { upsertSearchAttributes, workflowInfo } from "@temporalio/workflow";
import { MAX_ATTRIBUTE_LENGTH, type SearchAttribute } from "../contracts/attributes.ts";

type Values = Partial<Record<SearchAttribute, string>>;

/** Of this workflow alone: each has its own modules in the sandbox. */
let wanted: Values = {};

/** Clipped to what the server takes; seen by others from the next wait on. */
export function setAttributes(values: Values): void {
  wanted = { ...wanted, ...values };
}

/** Called before everything that may wait, and at the end. */
export function writeAttributes(): void {
  const { typedSearchAttributes: standing } = workflowInfo();
  const changed = Object.entries(wanted)
    .map(([name, value]) => ({ key: defineSearchAttributeKey(name, "KEYWORD"), value: clip(value) }))
    .filter(({ key, value }) => value !== "" && standing.get(key) !== value);
  wanted = {};
  if (changed.length > 0) upsertSearchAttributes(changed);
}

/** As the starter clips them. */
function clip(value: string): string {
  return value.slice(0, MAX_ATTRIBUTE_LENGTH).toWellFormed();
}
