/** The queue for capacity, in memory: who waits on which scope, and whom a later one may not pass. */

export interface InLine {
  /** ms by which it is sorted, then by `seq`. */
  rank: number;
  seq: number;
  /** Scopes on which later ones wait behind it. */
  holds: readonly string[];
  /** Scopes of which one must change before it is worth another look. */
  parkedOn: readonly string[];
}

export class Line<W extends InLine> {
  private readonly holding = new Map<string, W[]>();
  private readonly parked = new Map<string, W[]>();

  add(waiter: W): void {
    for (const scope of waiter.holds) insert(this.holding, scope, waiter);
    for (const scope of waiter.parkedOn) insert(this.parked, scope, waiter);
  }

  remove(waiter: W): void {
    for (const scope of waiter.holds) take(this.holding, scope, waiter);
    for (const scope of waiter.parkedOn) take(this.parked, scope, waiter);
  }

  /** The first that keeps one of these scopes and is ranked before. */
  blocker(rank: number, seq: number, scopes: readonly string[]): W | null {
    const firsts = scopes.flatMap((scope) => this.holding.get(scope)?.[0] ?? []);
    const ahead = firsts.filter((one) => isBefore(one, { rank, seq })).sort(compare);
    return ahead[0] ?? null;
  }

  /** In the order in which they may go. */
  parkedOn(scope: string): readonly W[] {
    return this.parked.get(scope) ?? [];
  }
}

function isBefore(a: Pick<InLine, "rank" | "seq">, b: Pick<InLine, "rank" | "seq">): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.seq < b.seq);
}

function compare(a: InLine, b: InLine): number {
  return a.rank - b.rank || a.seq - b.seq;
}

function insert<W extends InLine>(lists: Map<string, W[]>, scope: string, waiter: W): void {
  const list = lists.get(scope) ?? [];
  lists.set(scope, list);
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = list[middle];
    if (other !== undefined && isBefore(other, waiter)) low = middle + 1;
    else high = middle;
  }
  list.splice(low, 0, waiter);
}

function take<W extends InLine>(lists: Map<string, W[]>, scope: string, waiter: W): void {
  const list = lists.get(scope);
  const index = list?.indexOf(waiter) ?? -1;
  if (list === undefined || index < 0) return;
  list.splice(index, 1);
  if (list.length === 0) lists.delete(scope);
}
