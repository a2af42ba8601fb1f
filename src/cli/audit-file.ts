/** `selfheal audit verify --file`: an export, alone or against manifests, without a database. */
import type { Entry, KeptHead } from "../record/audit/chain.ts";
import { readExport } from "../record/audit/export.ts";
import { readManifest } from "../record/audit/manifest-file.ts";
import { CONTROL_CHAIN } from "../record/audit.ts";
import type { AuditVerdict } from "./audit-verdict.ts";

/** The manifests' heads are kept in memory: some 250 bytes each. */
export async function verifyFile(file: string, manifests: readonly string[], verdict: AuditVerdict): Promise<void> {
  const heads = await headsOf(manifests);
  const pruned = new Map<string, Tombstone>();
  const { complete, fault } = await readExport(file, {
    expected: (chain) => comparable(heads.get(chain) ?? [], pruned.get(chain)),
    after: (chain) => pruned.get(chain),
    entry: (entry) => notePruned(entry, pruned),
    chain: (chain, checked) => {
      heads.delete(chain);
      const state = checked.faults.length === 0 ? "whole" : "broken";
      verdict.chain({ chain, ...checked, state, temporal: "notAsked", pruned: null });
    },
  });
  if (fault !== null) verdict.file(fault);
  if (!complete) return;
  for (const [chain, kept] of heads) {
    const tombstone = pruned.get(chain);
    const head = comparable(kept, tombstone).find(({ hash }) => hash !== tombstone?.hash);
    if (head === undefined) continue;
    const detail = `it had ${head.seq} entries in ${head.source}, and the export has nothing of it`;
    verdict.broken({ chain, entries: 0, intactAfter: 0, more: 0, faults: [{ code: "lost", seq: head.seq, detail }] });
  }
}

/** What a manifest says of entries that were removed on purpose cannot be compared any more, but for the last of them. */
function comparable(heads: readonly KeptHead[], tombstone: Tombstone | undefined): KeptHead[] {
  return heads.filter(({ seq }) => (seq ?? 0) >= (tombstone?.seq ?? 0));
}

async function headsOf(manifests: readonly string[]): Promise<Map<string, KeptHead[]>> {
  const heads = new Map<string, KeptHead[]>();
  for (const file of manifests) {
    const source = `the manifest ${file}`;
    await readManifest(file, (lines) => {
      for (const { chain, seq, hash } of lines) heads.set(chain, [...(heads.get(chain) ?? []), { seq, hash, source }]);
      return Promise.resolve();
    });
  }
  return heads;
}

interface Tombstone {
  seq: number;
  hash: string;
}

/** The chain `control` comes first, so its tombstones are known before what they are about. */
function notePruned({ remediationId, kind, body }: Entry, pruned: Map<string, Tombstone>): void {
  if (remediationId !== CONTROL_CHAIN || kind !== "pruned") return;
  const { heads = {} } = body as { heads?: Record<string, Tombstone> };
  for (const [chain, head] of Object.entries(heads)) pruned.set(chain, head);
}
