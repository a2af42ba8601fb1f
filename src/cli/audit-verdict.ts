/** What a verification found, as it goes and as text: counts of what is whole, and each fault of what is not. */
import { assertNever } from "../contracts/json.ts";
import { plain } from "../contracts/text.ts";
import type { Fault } from "../record/audit/chain.ts";
import type { ManifestReport } from "../record/audit/compare-manifest.ts";
import type { ChainReport } from "../record/audit/verify.ts";

export interface BrokenChain {
  chain: string;
  entries: number;
  /** Entries behind the last faulty one that are as they were written. */
  intactAfter: number;
  faults: Fault[];
  /** Faults beyond those that are listed. */
  more: number;
}

export interface AuditAnswer {
  whole: boolean;
  chains: number;
  entries: number;
  seconds: number;
  pruned: { chain: string; by: string; at: string }[];
  prunedChains: number;
  /** Remediations whose head in Temporal's history is the record's; `none`: open, or Temporal has forgotten it. */
  temporal: { asked: boolean; same: number; none: number };
  broken: BrokenChain[];
  brokenChains: number;
  manifests: ManifestReport[];
  /** What is wrong with the file itself. */
  file: string | null;
}

/** Listed one by one; beyond it they are counted. */
const MOST_LISTED = 1_000;

export class AuditVerdict {
  readonly #startedAt = performance.now();
  readonly #answer: Omit<AuditAnswer, "whole" | "seconds"> = {
    ...{ chains: 0, entries: 0, pruned: [], prunedChains: 0, broken: [], brokenChains: 0, manifests: [], file: null },
    temporal: { asked: false, same: 0, none: 0 },
  };

  get chains(): number {
    return this.#answer.chains;
  }

  get entries(): number {
    return this.#answer.entries;
  }

  chain(report: ChainReport): void {
    const answer = this.#answer;
    answer.chains += 1;
    answer.entries += report.entries;
    answer.temporal.asked ||= report.temporal === "same" || report.temporal === "other";
    if (report.temporal === "same") answer.temporal.same += 1;
    if (report.temporal === "none") answer.temporal.none += 1;
    switch (report.state) {
      case "whole":
        return;
      case "pruned":
        answer.prunedChains += 1;
        if (report.pruned !== null && answer.pruned.length < MOST_LISTED) {
          answer.pruned.push({ chain: report.chain, ...report.pruned });
        }
        return;
      case "broken":
        this.broken(report);
        return;
      default:
        assertNever(report.state, "state of a chain");
    }
  }

  broken({ chain, entries, intactAfter, faults, more }: BrokenChain): void {
    this.#answer.brokenChains += 1;
    if (this.#answer.broken.length < MOST_LISTED)
      this.#answer.broken.push({ chain, entries, intactAfter, faults, more });
  }

  manifest(report: ManifestReport): void {
    this.#answer.manifests.push(report);
  }

  file(fault: string): void {
    this.#answer.file = fault;
  }

  end(): AuditAnswer {
    const answer = this.#answer;
    const isWhole =
      answer.brokenChains === 0 && answer.file === null && answer.manifests.every(({ faults }) => faults.length === 0);
    return { whole: isWhole, seconds: Math.round((performance.now() - this.#startedAt) / 10) / 100, ...answer };
  }
}

export function verdictText(answer: AuditAnswer): string {
  const { chains, entries, seconds, temporal, broken, brokenChains, manifests, prunedChains, pruned, file } = answer;
  const lines = [
    ...broken.flatMap(brokenLines),
    ...manifests.flatMap(manifestLines),
    ...(file === null ? [] : [`BROKEN the file: ${file}`]),
    ...pruned.map(({ chain, by, at }) => `pruned ${chain} by ${plain(by)} at ${at}`),
  ];
  const speed = seconds > 0 ? `, ${Math.round(entries / seconds)} a second` : "";
  const history = temporal.asked
    ? `; ${temporal.same} heads are those of Temporal's histories, ${temporal.none} are not in one (open, or forgotten by Temporal)`
    : "";
  if (chains > 0) {
    const gone = prunedChains === 0 ? "" : `, ${prunedChains} pruned`;
    lines.push(
      `${chains} chains with ${entries} entries: ${brokenChains} broken${gone}${history} (${seconds} s${speed})`,
    );
  }
  lines.push(answer.whole ? "whole: everything is as it was written" : "NOT WHOLE: see above");
  return lines.join("\n");
}

function brokenLines({ chain, entries, intactAfter, faults, more }: BrokenChain): string[] {
  const rest = more === 0 ? [] : [`  and ${more} more`];
  const after = entries === 0 ? [] : [`  of its ${entries} entries the last ${intactAfter} are as they were written`];
  return [`BROKEN ${chain}`, ...faults.map(({ code, detail }) => `  ${code}: ${plain(detail)}`), ...rest, ...after];
}

function manifestLines({ file, number, at, chains, pruned, faults, more }: ManifestReport): string[] {
  const gone = pruned === 0 ? "" : `, ${pruned} pruned since`;
  const head = `manifest ${number} of ${at} (${file}): ${chains} heads${gone}, ${faults.length + more} faults`;
  const rest = more === 0 ? [] : [`  and ${more} more`];
  return [head, ...faults.map(({ chain, code, detail }) => `  BROKEN ${chain}: ${code}: ${plain(detail)}`), ...rest];
}
