/** A bounded cache in two generations: when the younger one is full, what was not asked for since the last time goes. */
export class Kept<T> {
  private young = new Map<string, T>();
  private old = new Map<string, T>();
  private readonly most: number;

  /** At most so many are kept, and at least half of them. */
  constructor(most: number) {
    this.most = most;
  }

  get(key: string, make: () => T): T {
    const known = this.young.get(key);
    if (known !== undefined) return known;
    const value = this.old.get(key) ?? make();
    if (this.young.size >= this.most / 2) [this.old, this.young] = [this.young, new Map<string, T>()];
    this.young.set(key, value);
    return value;
  }
}
