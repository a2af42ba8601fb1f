/** Runs a worker only while Temporal is the one that the record belongs to (ADR 0033). */
import { ForeignTemporal, type OwnTemporal } from "../../starters/own-temporal.ts";
import { reportForeign, type ReportDependencies } from "../../watchers/foreign-temporal.ts";

export interface AtHomeOptions extends ReportDependencies {
  own: OwnTemporal;
  /** Asks `run` to end. */
  stop: () => void;
}

const LOOK_EVERY_MS = 10_000;

/**
 * A server may be set up anew under our address while we are connected to it: so it is looked at before `run` and every
 * 10 s meanwhile. Rejects with ForeignTemporal, after people were told and `run` has ended.
 */
export async function runAtHome(options: AtHomeOptions, run: () => Promise<void>): Promise<void> {
  const { own, stop, log } = options;
  await own.check().catch(async (error: unknown) => {
    if (error instanceof ForeignTemporal) await reportForeign(options, error);
    throw error;
  });
  const faults: ForeignTemporal[] = [];
  const look = async (): Promise<void> => {
    try {
      await own.check();
    } catch (error) {
      if (error instanceof ForeignTemporal) {
        faults.push(error);
        await reportForeign(options, error);
        stop();
      } else {
        // Away is not foreign: everything waits until it is back.
        log.debug({ err: error }, "Temporal cannot be asked who it is");
      }
    }
  };
  const timer = setInterval(() => void look(), LOOK_EVERY_MS);
  try {
    await run();
  } finally {
    clearInterval(timer);
  }
  const [fault] = faults;
  if (fault !== undefined) throw fault;
}
