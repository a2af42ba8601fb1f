/** When what is killed: from one seed, so that a run can be had again. Pure. */
import { seededRandom } from "../../lab/random.ts";

export interface Kill {
  /** After the kill before it, or the beginning. */
  afterMs: number;
  victim: string;
}

export interface ChaosOptions {
  seed: number;
  victims: readonly string[];
  /** Mean time between two kills; each gap is half of it to one and a half times. */
  everyMs: number;
}

/** Without end. In each round every victim is killed once, in a random order, so that a short run has seen them all. */
export function* chaosSchedule({ seed, victims, everyMs }: ChaosOptions): Generator<Kill, never> {
  if (victims.length === 0) throw new Error("chaos needs something that can be killed");
  for (let round = 0; ; round++) {
    const draw = seededRandom(seed).stream("chaos", round);
    const order = victims.map((victim) => ({ victim, at: draw.next() })).sort((a, b) => a.at - b.at);
    for (const { victim } of order) yield { afterMs: Math.round(draw.between(0.5 * everyMs, 1.5 * everyMs)), victim };
  }
}
