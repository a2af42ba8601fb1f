/** RFC 6902 as far as Ironic's clients use it: add, replace, remove, test on object members. */
import { isObject } from "../request.ts";

type Members = Record<string, unknown>;

export class PatchError extends Error {}

/** Returns a changed copy; the document's own members cannot be removed. Throws a PatchError in Ironic's words. */
export function applyPatch(document: Members, operations: unknown[]): Members {
  const copy = structuredClone(document);
  for (const operation of operations) {
    if (!isObject(operation))
      throw new PatchError(`Schema error for patch[0]: ${JSON.stringify(operation)} is not of type 'object'`);
    applyOne(copy, operation);
  }
  return copy;
}

function applyOne(document: Members, operation: Members): void {
  const { op, path, value } = operation;
  const shown = `{'op': '${String(op)}', 'path': '${String(path)}'}`;
  const [top = "", ...names] = String(path)
    .split("/")
    .slice(1)
    .map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
  if (!isObject(document[top]))
    throw new PatchError(`Couldn't apply patch '${shown}'. Reason: can't change '/${top}' in the lab`);
  if (names.length === 0) {
    document[top] = op === "remove" ? {} : value;
    return;
  }
  let parent = document[top];
  for (const name of names.slice(0, -1)) {
    const next = parent[name];
    if (!isObject(next)) throw new PatchError(`Couldn't apply patch '${shown}'. Reason: member '${name}' not found`);
    parent = next;
  }
  const last = names.at(-1) ?? "";
  if (op !== "add" && !(last in parent)) {
    throw new PatchError(
      `Couldn't apply patch '${shown}'. Reason: can't ${String(op)} a non-existent object '${last}'`,
    );
  }
  if (op === "add" || op === "replace") parent[last] = value;
  else if (op === "remove") delete parent[last];
  else if (op !== "test" || JSON.stringify(parent[last]) !== JSON.stringify(value)) {
    throw new PatchError(
      `Couldn't apply patch '${shown}'. Reason: ${op === "test" ? "test failed" : "unknown operation"}`,
    );
  }
}
