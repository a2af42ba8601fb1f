/** The daily manifest of the audit as an activity. */
import type { RecordStore } from "../record/api.ts";
import type { ManifestMade } from "../record/api-audit.ts";
import { manifestFile, manifestPath } from "../record/audit/manifest-file.ts";
import { throughWay } from "../record/actor.ts";

export interface ManifestActivities {
  "audit.manifest"(): Promise<ManifestMade>;
}

/** `folder` null: this worker has none, and another one is to do it. */
export function createManifestActivities(
  record: Pick<RecordStore, "manifest">,
  folder: string | null,
): ManifestActivities {
  return {
    "audit.manifest": async () => {
      if (folder === null) {
        throw new Error(
          "this worker has no folder for the audit's manifests: set SELFHEAL_AUDIT_FOLDER on all or on none",
        );
      }
      const sinkOf = (header: Parameters<typeof manifestPath>[1]) => manifestFile(manifestPath(folder, header));
      return throughWay("schedule", () => record.manifest(sinkOf, { full: false }));
    },
  };
}
