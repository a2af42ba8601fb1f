/** A demo tells people as a team is told: by a pager and a chat with a thread for each remediation, both in the lab. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { LabConfig } from "./lab-folder.ts";

/** Writes the secrets; answers the change to selfheal.yaml. The incoming webhook stays, for what both do not take. */
export async function withThreads(folder: string, labUrl: string): Promise<(config: LabConfig) => object> {
  await mkdir(join(folder, "secrets"), { recursive: true });
  const secret = async (name: string, value: string): Promise<string> => {
    const path = join(folder, "secrets", name);
    await writeFile(path, value, { mode: 0o600 });
    return `file:${path}`;
  };
  const token = await secret("chat-token", "xoxb-lab");
  const routingKey = await secret("pager-key", "lab");
  const channels = {
    pager: { uses: "pagerduty", url: `${labUrl}/pagerduty`, routingKey },
    chat: { uses: "slack-app", url: `${labUrl}/slack/api`, token, channel: "C0SELFHEAL" },
  };
  return (config) => ({
    ...config,
    connections: { ...config.connections, channels },
    notifications: {
      routes: [{ when: { route: ["page"] }, to: ["pager", "chat", "notify"] }],
      otherwise: ["chat", "notify"],
    },
  });
}
