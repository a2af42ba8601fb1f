import { describe, expect, it } from "vitest";
import { withCleanup } from "../../src/cli/process/cleanup.ts";

describe("withCleanup", () => {
  const run = async (ends: () => Promise<string>): Promise<{ closed: string[]; end: unknown }> => {
    const closed: string[] = [];
    const end: unknown = await withCleanup(async (defer) => {
      defer(() => closed.push("pool"));
      defer(() => Promise.reject(new Error("the folder is gone")));
      defer(() => closed.push("server"));
      return ends();
    }).catch((error: unknown) => error);
    return { closed, end };
  };

  it("closes the rest when something cannot be closed, so that nothing keeps the process alive, and says so", async () => {
    const { closed, end } = await run(() => Promise.resolve("done"));
    expect(closed).toEqual(["server", "pool"]);
    expect(end).toEqual(new Error("the folder is gone"));
  });

  it("rejects with what went wrong first", async () => {
    const { closed, end } = await run(() => Promise.reject(new Error("Temporal is away")));
    expect(closed).toEqual(["server", "pool"]);
    expect(end).toEqual(new Error("Temporal is away"));
  });
});
