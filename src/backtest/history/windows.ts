/** Counts over sliding windows of virtual time, each step in constant time: time only goes forward. */

/** Times of one kind of event, oldest first. Equal to `count(*) where at > since`. */
export class Times {
  private readonly times: number[] = [];
  private head = 0;

  add(at: number): void {
    this.times.push(at);
  }

  countSince(since: number): number {
    let low = this.head;
    let high = this.times.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.times[middle] ?? 0) > since) high = middle;
      else low = middle + 1;
    }
    return this.times.length - low;
  }

  last(): number | null {
    return this.head < this.times.length ? (this.times.at(-1) ?? null) : null;
  }

  /** Forgets what is not younger; true: nothing is left. */
  forget(since: number): boolean {
    while (this.head < this.times.length && (this.times[this.head] ?? 0) <= since) this.head += 1;
    if (this.head * 2 > this.times.length) {
      this.times.splice(0, this.head);
      this.head = 0;
    }
    return this.head >= this.times.length;
  }
}

/** Which names were seen when. Equal to `count(distinct name) where at > since`. */
export class Seen {
  private readonly entries: { name: string; at: number }[] = [];
  /** The place of entries[0] in all that were ever seen. */
  private offset = 0;
  private readonly views = new Map<number, View>();

  add(name: string, at: number): void {
    this.entries.push({ name, at });
  }

  /** `windowMs` names the view, so that each limit has a cursor of its own. `since` must not go back. */
  countSince(since: number, windowMs: number): number {
    let view = this.views.get(windowMs);
    if (view === undefined)
      this.views.set(windowMs, (view = { first: this.offset, next: this.offset, last: new Map() }));
    for (; view.next < this.offset + this.entries.length; view.next++) {
      view.last.set(this.entryAt(view.next)?.name ?? "", view.next);
    }
    view.first = Math.max(view.first, this.offset);
    for (; view.first < view.next; view.first++) {
      const entry = this.entryAt(view.first);
      if (entry === undefined || entry.at > since) break;
      if (view.last.get(entry.name) === view.first) view.last.delete(entry.name);
    }
    return view.last.size;
  }

  private entryAt(place: number): { name: string; at: number } | undefined {
    return this.entries[place - this.offset];
  }

  forget(since: number): void {
    let gone = 0;
    while (gone < this.entries.length && (this.entries[gone]?.at ?? 0) <= since) gone += 1;
    for (const windowMs of this.views.keys()) this.countSince(since, windowMs);
    this.entries.splice(0, gone);
    this.offset += gone;
  }
}

interface View {
  first: number;
  next: number;
  /** By name, the place of its newest entry. */
  last: Map<string, number>;
}
