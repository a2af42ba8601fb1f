/**
 * Seeded chance. Every draw comes from a stream that is named by what it is for (`technician/12/arrival`), so that a
 * draw does not depend on how many others came before it: the same seed gives the same world however often it is read.
 */
export interface RandomStream {
  /** In [0, 1). */
  next(): number;
  /** In [min, max]. */
  between(min: number, max: number): number;
  /** An integer in [min, max]. */
  integer(min: number, max: number): number;
  pick<T>(choices: readonly T[]): T;
  /** Lower-case hexadecimal digits. */
  hex(digits: number): string;
  uuid(): string;
}

export interface Random {
  readonly seed: number;
  stream(...name: (string | number)[]): RandomStream;
}

export function seededRandom(seed: number): Random {
  return { seed, stream: (...name) => streamFrom(hash32(`${seed}/${name.join("/")}`)) };
}

/** FNV-1a with a final mix: short names that differ in one digit must not give neighbouring streams. */
function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** mulberry32. */
function streamFrom(start: number): RandomStream {
  let state = start;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const integer = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1));
  const hex = (digits: number): string => Array.from({ length: digits }, () => integer(0, 15).toString(16)).join("");
  return {
    next,
    between: (min, max) => min + next() * (max - min),
    integer,
    pick: (choices) => {
      const choice = choices[integer(0, choices.length - 1)];
      if (choice === undefined) throw new Error("pick needs at least one choice");
      return choice;
    },
    hex,
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`,
  };
}
