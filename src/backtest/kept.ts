/** A bounded cache: when it is full, what was used longest ago goes. */
export class Kept<T> {
  private readonly byKey = new Map<string, T>();
  private readonly most: number;

  constructor(most: number) {
    this.most = most;
  }

  get(key: string, make: () => T): T {
    const known = this.byKey.get(key);
    if (known !== undefined) this.byKey.delete(key);
    const value = known ?? make();
    this.byKey.set(key, value);
    if (this.byKey.size > this.most) {
      for (const oldest of this.byKey.keys()) {
        this.byKey.delete(oldest);
        break;
      }
    }
    return value;
  }
}
