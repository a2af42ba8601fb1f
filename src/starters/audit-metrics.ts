/** How late the audit is (M10), for `/metrics`: asked of the record when it is scraped, and not more often than it changes. */
import type { RecordStore } from "../record/api.ts";
import type { AuditMetrics } from "./metrics.ts";

const WINDOW_MS = 3_600_000;
const KEEP_MS = 15_000;
/** A scrape does not wait for a database that is away or slow. */
const WITHIN_MS = 1_000;

/** `refresh` never rejects: while the record cannot be asked, the audit has no values. */
export function auditGauges(
  record: Pick<RecordStore, "auditLag">,
  metrics: AuditMetrics,
): { refresh: () => Promise<void> } {
  let until = 0;
  const ask = async (): Promise<void> => {
    const { effects, p50, p99, max, unwritten, lastManifestAt } = await record.auditLag(WINDOW_MS);
    clear(metrics);
    if (effects > 0) {
      metrics.auditLag.set({ quantile: "0.5" }, p50 ?? 0);
      metrics.auditLag.set({ quantile: "0.99" }, p99 ?? 0);
      metrics.auditLag.set({ quantile: "1" }, max ?? 0);
    }
    metrics.auditUnwritten.set(unwritten);
    if (lastManifestAt !== null) metrics.auditManifest.set(Date.parse(lastManifestAt) / 1000);
  };
  return {
    refresh: async () => {
      if (performance.now() < until) return;
      until = performance.now() + KEEP_MS;
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error("late")), WITHIN_MS);
      });
      try {
        await Promise.race([ask(), late]);
      } catch {
        clear(metrics);
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

function clear({ auditLag, auditUnwritten, auditManifest }: AuditMetrics): void {
  auditLag.reset();
  auditUnwritten.remove();
  auditManifest.remove();
}
