import type { Outside } from "../ports/ports.ts";

/**
 * A circuit breaker over consecutive outages. Own code and not cockatiel's, because that one reads `Date.now`: in the
 * simulated lab it would stay open for hours of virtual time.
 */
export class Breaker {
  readonly #clock: Outside["clock"];
  readonly #threshold: number;
  readonly #openMs: number;
  #failures = 0;
  #openedAt: number | null = null;
  #trying = false;

  constructor(clock: Outside["clock"], threshold: number, openMs: number) {
    this.#clock = clock;
    this.#threshold = threshold;
    this.#openMs = openMs;
  }

  /** null: go on, and say afterwards by `leave` how it went. Else refused: milliseconds until it may be tried. */
  enter(): number | null {
    if (this.#openedAt === null) return null;
    const now = this.#clock.now();
    // The clock was set back: what is open must not stay so for as long.
    if (now < this.#openedAt) this.#openedAt = now;
    const leftMs = this.#openedAt + this.#openMs - now;
    if (leftMs > 0) return leftMs;
    if (this.#trying) return this.#openMs;
    this.#trying = true;
    return null;
  }

  /** `untried`: the call never reached the system (no place in the bulkhead), so nothing was learnt. */
  leave(result: "fine" | "outage" | "untried"): void {
    this.#trying = false;
    if (result === "untried") return;
    if (result === "fine") {
      this.#failures = 0;
      this.#openedAt = null;
      return;
    }
    this.#failures += 1;
    if (this.#failures >= this.#threshold) this.#openedAt = this.#clock.now();
  }
}
