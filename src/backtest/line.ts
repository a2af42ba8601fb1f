/** The queue for capacity, in memory: in order, and by the scopes that its waiters keep or are parked on. */

/** ms by which it is sorted, then by `seq`. */
export interface Place {
  rank: number;
  seq: number;
}

export interface InLine extends Place {
  /** Scopes on which later ones wait behind it. */
  holds: readonly string[];
  /** Scopes of which one must change before it is worth another look. */
  parkedOn: readonly string[];
}

export class Line<W extends InLine> {
  private readonly all: W[] = [];
  private readonly holding = new Map<string, W[]>();
  private readonly parked = new Map<string, W[]>();

  add(waiter: W): void {
    insert(this.all, waiter);
    for (const scope of waiter.holds) insertIn(this.holding, scope, waiter);
    for (const scope of waiter.parkedOn) insertIn(this.parked, scope, waiter);
  }

  remove(waiter: W): void {
    take(this.all, waiter);
    for (const scope of waiter.holds) takeFrom(this.holding, scope, waiter);
    for (const scope of waiter.parkedOn) takeFrom(this.parked, scope, waiter);
  }

  /** Somebody other than `self` who is before this place keeps one of these scopes. */
  isKept(place: Place, scopes: readonly string[], self: W | null): boolean {
    return scopes.some((scope) => {
      const first = this.holding.get(scope)?.find((one) => one !== self);
      return first !== undefined && isBefore(first, place);
    });
  }

  /** Who is before this place and keeps one of these scopes, without `self`; one that keeps several, as often. */
  *keepers(place: Place, scopes: readonly string[], self: W | null): Generator<W> {
    for (const scope of scopes) {
      for (const one of this.holding.get(scope) ?? []) {
        if (!isBefore(one, place)) break;
        if (one !== self) yield one;
      }
    }
  }

  /** Who is before this place, in order, without `self`. */
  ahead(place: Place, self: W | null): W[] {
    const before = this.all.slice(0, placeIn(this.all, place));
    return before.filter((one) => one !== self);
  }

  /** Elsewhere than before. */
  park(waiter: W, scopes: readonly string[]): void {
    const before = waiter.parkedOn;
    if (before.length === scopes.length && before.every((scope, at) => scope === scopes[at])) return;
    for (const scope of waiter.parkedOn) takeFrom(this.parked, scope, waiter);
    waiter.parkedOn = scopes;
    for (const scope of scopes) insertIn(this.parked, scope, waiter);
  }

  /** In the order in which they may go. */
  parkedOn(scope: string): readonly W[] {
    return this.parked.get(scope) ?? [];
  }
}

function isBefore(a: Place, b: Place): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.seq < b.seq);
}

/** How many of the sorted list are before it. */
function placeIn(list: readonly Place[], place: Place): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = list[middle];
    if (other !== undefined && isBefore(other, place)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function insert<W extends InLine>(list: W[], waiter: W): void {
  list.splice(placeIn(list, waiter), 0, waiter);
}

function take<W extends InLine>(list: W[], waiter: W): void {
  const at = placeIn(list, waiter);
  if (list[at] === waiter) list.splice(at, 1);
}

function insertIn<W extends InLine>(lists: Map<string, W[]>, scope: string, waiter: W): void {
  const list = lists.get(scope) ?? [];
  lists.set(scope, list);
  insert(list, waiter);
}

function takeFrom<W extends InLine>(lists: Map<string, W[]>, scope: string, waiter: W): void {
  const list = lists.get(scope);
  if (list === undefined) return;
  take(list, waiter);
  if (list.length === 0) lists.delete(scope);
}
