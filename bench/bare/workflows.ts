/** The least that a durable workflow can be: what Temporal alone costs. */
import { proxyActivities, proxyLocalActivities, setHandler } from "@temporalio/workflow";
import { alertSignal } from "../../src/contracts/messages.ts";

interface Activities {
  nothing(): Promise<void>;
}

const { nothing } = proxyActivities<Activities>({ startToCloseTimeout: "60s" });
const { nothing: nothingLocal } = proxyLocalActivities<Activities>({ startToCloseTimeout: "60s" });

/** One activity, as often as it says. */
export async function bare(times: number): Promise<void> {
  setHandler(alertSignal, () => undefined);
  for (let time = 0; time < times; time++) await nothing();
}

/** The same with local activities. */
export async function bareLocal(times: number): Promise<void> {
  setHandler(alertSignal, () => undefined);
  for (let time = 0; time < times; time++) await nothingLocal();
}
