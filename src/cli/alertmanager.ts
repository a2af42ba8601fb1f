/** `selfheal alertmanager snippet`: the receiver to paste. */
import { Command } from "commander";
import { stringify } from "yaml";
import { EXIT, UserError } from "../config/user-error.ts";
import { withExamples } from "./options.ts";
import { printResult } from "./output.ts";
import { DEFAULT_URL } from "./remediation-api.ts";

interface SnippetOptions {
  url: string;
  tokenFile?: string;
  alerts: string[];
}

export function alertmanagerCommand(): Command {
  const snippet = new Command("snippet")
    .description("Print the route and the receiver to add to alertmanager.yml.")
    .option("--url <url>", "where Alertmanager reaches selfheal", DEFAULT_URL)
    .option("--token-file <path>", "file on Alertmanager's machine with the token of sources.alertmanager")
    .option("--alerts <names...>", "only these alert names; default all", []);
  snippet.action((options: SnippetOptions) => {
    const data = snippetOf(options);
    printResult(snippet, data, () => HEAD + stringify(data, { lineWidth: 120 }).trimEnd());
  });
  withExamples(snippet, [
    [
      "selfheal alertmanager snippet --url http://selfheal.example.net:8080 --alerts SmartDiskFailing",
      "one alert first",
    ],
    ["selfheal alertmanager snippet --token-file /etc/alertmanager/selfheal-token", "with a bearer token"],
  ]);
  return new Command("alertmanager").description("Connect Alertmanager.").addCommand(snippet);
}

const HEAD = `# Add to alertmanager.yml: the route before your others (continue: people are told as before), and the receiver.
# Repeats of a fault that was decided cost nothing, and make good what was lost.
`;

/** Shape of alertmanager.yml. `max_alerts` 0 is no limit: an alert that is left out of a webhook is not healed. */
export function snippetOf({ url, tokenFile, alerts }: SnippetOptions): object {
  const base = URL.parse(url);
  if (base === null || !/^https?:$/.test(base.protocol)) {
    throw new UserError(`--url ${url}: right would be http://HOST:PORT or https://HOST`, { exitCode: EXIT.usage });
  }
  const wrong = alerts.find((name) => !/^[A-Za-z_][A-Za-z0-9_:.-]*$/.test(name));
  if (wrong !== undefined) {
    throw new UserError(`--alerts ${wrong}: right would be the name of an alerting rule, such as SmartDiskFailing`, {
      exitCode: EXIT.usage,
    });
  }
  const only = alerts.length === 0 ? {} : { matchers: [`alertname =~ "${alerts.join("|").replaceAll(".", "\\\\.")}"`] };
  const authorization =
    tokenFile === undefined ? {} : { http_config: { authorization: { credentials_file: tokenFile } } };
  return {
    route: {
      routes: [
        {
          receiver: "selfheal",
          ...only,
          continue: true,
          group_by: ["alertname", "instance"],
          group_wait: "30s",
          group_interval: "1m",
          repeat_interval: "5m",
        },
      ],
    },
    receivers: [
      {
        name: "selfheal",
        webhook_configs: [
          {
            url: `${url.replace(/\/+$/, "")}/v1/alerts/alertmanager`,
            send_resolved: true,
            max_alerts: 0,
            ...authorization,
          },
        ],
      },
    ],
  };
}
