/** Holds one activity in flight, so that a test acts exactly while it runs. */
import type { RigOptions } from "./rig.ts";

export interface Gate {
  options: RigOptions;
  /** Resolves once the activity was called. */
  entered: Promise<void>;
  open(): void;
}

/** `after`: the activity has done its work when it is held, and only its answer is late. */
export function gateAt(name: string, when: "before" | "after" = "before"): Gate {
  const [entered, opened] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const options: RigOptions = {
    activities: (real) => ({
      ...real,
      [name]: async (...args) => {
        const early = when === "after" ? await real[name]?.(...args) : null;
        entered.resolve();
        await opened.promise;
        return when === "after" ? early : real[name]?.(...args);
      },
    }),
  };
  return { options, entered: entered.promise, open: () => opened.resolve() };
}
