/**
 * Search attributes, written when the workflow is about to wait or to end: one upsert for all that changed since, none for
 * what stands already. Each upsert is an event, an Action and a write of the server. What stands is known from what this
 * run wrote and how it was started, never from `workflowInfo()`: the server leaves out of a history's start what is not
 * registered any more (or was made again since), so a replay would decide otherwise than the run did.
 */
import { defineSearchAttributeKey } from "@temporalio/common";
import { upsertSearchAttributes, workflowInfo } from "@temporalio/workflow";
import { MAX_ATTRIBUTE_LENGTH, type SearchAttribute } from "../contracts/attributes.ts";

type Values = Partial<Record<SearchAttribute, string>>;

/** Of this workflow alone: each has its own modules in the sandbox. */
let wanted: Values = {};
let written: Values = {};
/** By the starter, if it was ours: no reason for an upsert, but part of the next one. */
let assumed: Values | null = null;

/** Seen by others from the next wait on. */
export function setAttributes(values: Values): void {
  wanted = { ...wanted, ...values };
}

/** As our starters set them with the start of a run; later in it, and in one that goes on, this is `setAttributes`. */
export function setAsStarted(values: Values): void {
  if (workflowInfo().continuedFromExecutionRunId === undefined) assumed ??= values;
  setAttributes(values);
}

/** Called before everything that may wait, and at the end. */
export function writeAttributes(): void {
  const changed = (Object.entries(wanted) as [SearchAttribute, string][]).filter(
    ([name, value]) => value !== "" && written[name] !== value,
  );
  if (changed.every(([name, value]) => assumed?.[name] === value)) return;
  upsertSearchAttributes(
    changed.map(([name, value]) => ({ key: defineSearchAttributeKey(name, "KEYWORD"), value: clip(value) })),
  );
  written = { ...written, ...wanted };
  wanted = {};
  assumed = {};
}

/** To what the server takes; as the starter clips. */
function clip(value: string): string {
  return value.slice(0, MAX_ATTRIBUTE_LENGTH).toWellFormed();
}
