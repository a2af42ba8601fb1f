/** Many hosts at once in the live view: who begins, who ends, and a line of counts when they change. */
import type { RemediationRow } from "../../record/api.ts";
import { paint } from "../output.ts";
import type { Say } from "./say.ts";

const COUNTS_EVERY_MS = 5_000;

export class Crowd {
  private readonly hosts: ReadonlySet<string>;
  private readonly say: Say;
  private readonly acting = new Set<string>();
  private readonly ended = new Map<string, RemediationRow>();
  private counted = "";
  private countedAt = 0;

  constructor(hosts: readonly string[], say: Say) {
    this.hosts = new Set(hosts);
    this.say = say;
  }

  get allEnded(): boolean {
    return this.ended.size === this.hosts.size;
  }

  /** null: nobody answered. */
  show(rows: readonly RemediationRow[] | null): void {
    if (rows === null) return;
    // Newest first: an older remediation of the host says nothing any more.
    const newest = new Map(rows.toReversed().map((row) => [row.target.id, row]));
    for (const row of newest.values()) if (this.hosts.has(row.target.id)) this.tell(row);
    this.count([...newest.values()]);
  }

  private tell(row: RemediationRow): void {
    const { target, remediationId, outcome, detail } = row;
    if (row.closedAt === null) {
      this.ended.delete(target.id);
      if (row.phase !== "act" || this.acting.has(remediationId)) return;
      this.acting.add(remediationId);
      this.say(target.id, "may act: out of its pool, ticket, technician, reinstall");
      return;
    }
    if (this.ended.get(target.id)?.remediationId === remediationId) return;
    this.ended.set(target.id, row);
    const style = outcome === "healed" ? "green" : "yellow";
    this.say(target.id, `${paint(style, (outcome ?? "").toUpperCase(), process.stderr)}: ${detail}`);
  }

  private count(rows: readonly RemediationRow[]): void {
    const open = rows.filter(({ closedAt }) => closedAt === null);
    const acting = open.filter(({ phase }) => phase === "act" || phase === "verify" || phase === "close").length;
    const line = `${this.hosts.size - rows.length} still well, ${open.length - acting} wait or are looked at, ${acting} under repair, ${this.ended.size} ended`;
    if (line === this.counted || performance.now() - this.countedAt < COUNTS_EVERY_MS) return;
    [this.counted, this.countedAt] = [line, performance.now()];
    this.say("hosts", paint("dim", line, process.stderr));
  }
}
