/** Bounds of what is worked on at once. Too much is overload, never the sender's fault: 503, so that it sends again. */
import { Unavailable } from "../problems.ts";

export class Bulkhead {
  readonly #what: string;
  readonly #most: number;
  readonly #onChange: (inFlight: number) => void;
  #inFlight = 0;

  constructor(what: string, most: number, onChange: (inFlight: number) => void = () => undefined) {
    this.#what = what;
    this.#most = most;
    this.#onChange = onChange;
  }

  /** @throws Unavailable while `most` are inside. */
  async through<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inFlight >= this.#most) {
      throw new Unavailable("capacity", `${this.#inFlight} ${this.#what} now`, { retryAfterSeconds: 1 });
    }
    this.#onChange(++this.#inFlight);
    try {
      return await work();
    } finally {
      this.#onChange(--this.#inFlight);
    }
  }
}
