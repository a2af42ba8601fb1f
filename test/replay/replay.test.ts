/** A change to workflow code must replay what users may have in flight (design §3 law 11). */
import { Worker } from "@temporalio/worker";
import { beforeAll, describe, expect, it } from "vitest";
import { bundlePath } from "../support/rig-server.ts";
import { activitiesOf, load, names, PATHS, type History } from "./corpus.ts";

let codePath: string;
beforeAll(async () => {
  codePath = await bundlePath();
});

/** Null when it replays, else why not. `runReplayHistories` yields errors, it does not throw. */
async function replay(workflowId: string, history: History): Promise<string | null> {
  const results = Worker.runReplayHistories({ workflowBundle: { codePath } }, [{ workflowId, history }]);
  for await (const { error } of results) return error === undefined ? null : error.message;
  throw new Error("nothing was replayed");
}

describe("the corpus of histories", () => {
  it("holds one history for each path, and no other", async () => {
    expect(await names()).toEqual(Object.keys(PATHS).sort());
  });

  it.each(Object.entries(PATHS))("replays %s with the production bundle", async (name, { workflowId, activities }) => {
    const history = await load(name);
    expect(activitiesOf(history)).toEqual(expect.arrayContaining(activities));
    expect(await replay(workflowId, history)).toBeNull();
  });

  it.each(Object.entries(PATHS))(
    "replays %s when the server left out the attributes of its start: one was removed and made again",
    async (name, { workflowId }) => {
      const history = await load(name);
      const started = history.events?.[0]?.workflowExecutionStartedEventAttributes;
      expect(Object.keys(started?.searchAttributes?.indexedFields ?? {})).not.toEqual([]);
      if (started) delete started.searchAttributes;
      expect(await replay(workflowId, history)).toBeNull();
    },
  );

  it("does not replay a doctored history: the check can fail", async () => {
    const history = await load("healed");
    const scheduled = history.events?.find(
      (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === "remediation.admit",
    );
    const type = scheduled?.activityTaskScheduledEventAttributes?.activityType;
    if (type === undefined || type === null) throw new Error("the history has no remediation.admit");
    type.name = "remediation.guess";
    expect(await replay("heal:host:web-1", history)).toMatch(/nondeterminism|determinis/i);
  });
});
