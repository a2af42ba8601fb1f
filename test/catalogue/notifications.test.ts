import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { routed, worded, type MessageFacts } from "../../src/catalogue/notifications.ts";
import { catalogueOf, CONFIG, edited, problemsOf } from "./support.ts";

const CHANNELS = `connections:
  channels:
    oncall: { uses: pagerduty, routingKey: env:PD }
    chat: { uses: slack-app, token: env:SLACK, channel: C01 }
    post: { uses: smtp, host: mail, from: a@b.net, to: [c@d.net] }
  notify: { uses: slack, url: env:HOOK }
  prometheus`;
const withRules = (rules: string, config = CONFIG): string =>
  `${edited("connections:\n  prometheus", CHANNELS, config)}notifications:\n${rules}\n`;

const facts: MessageFacts = {
  ...{ route: "ticket", severity: "warning", owners: ["web-team", "storage"], group: "web", runbook: "disk" },
  burnRate: null,
};
const NAMES = ["oncall", "chat", "post", "notify"];

describe("the route of a message", () => {
  const of = (rules: string, changes: Partial<MessageFacts> = {}) =>
    routed(catalogueOf({ config: withRules(rules) }).notifications, NAMES, { ...facts, ...changes });
  const RULES = `  routes:
    - { when: { burnRate: 6 }, as: page, to: [oncall, chat] }
    - { when: { owner: [storage], route: [page] }, to: [oncall] }
    - { when: { severity: [critical] }, to: [chat, post] }
  otherwise: [post]`;

  it("is every channel in its order where nothing is said", () => {
    expect(routed(catalogueOf().notifications, NAMES, facts)).toEqual({ route: "ticket", to: NAMES });
  });

  it("is the first that fits", () => {
    expect(of(RULES)).toEqual({ route: "ticket", to: ["post"] });
    expect(of(RULES, { route: "page", severity: "info", owners: ["storage"] }).to[0]).toBe("oncall");
    expect(of(RULES, { severity: "critical" })).toEqual({ route: "ticket", to: ["chat", "post"] });
  });

  it("of a page goes on to the channels of everything else, where none of its own takes it", () => {
    expect(of(RULES, { route: "page" })).toEqual({ route: "page", to: ["oncall", "post"] });
    const otherwise = "  routes:\n    - { to: [oncall, notify] }";
    expect(of(otherwise, { route: "page" }).to).toEqual(["oncall", "notify", "chat", "post"]);
    expect(of(otherwise).to).toEqual(["oncall", "notify"]);
  });

  it("pages when an error budget burns fast, and does not when nobody knows", () => {
    expect(of(RULES, { burnRate: 6 })).toEqual({ route: "page", to: ["oncall", "chat", "post"] });
    expect(of(RULES, { burnRate: 5.9 }).route).toBe("ticket");
    expect(of(RULES, { burnRate: null }).route).toBe("ticket");
  });

  it("never makes less of a page, whatever the routes say", () => {
    const names = fc.constantFrom(...NAMES);
    const some = <T>(one: fc.Arbitrary<T>) => fc.option(fc.array(one, { minLength: 1 }), { nil: undefined });
    const route = fc.constantFrom("page" as const, "ticket" as const, "message" as const);
    const when = fc.record({
      ...{
        route: some(route),
        owner: some(fc.constantFrom("web-team", "x")),
        group: some(fc.constantFrom("web", "x")),
      },
      ...{ severity: some(fc.constantFrom("critical" as const, "warning" as const)), runbook: fc.constant(undefined) },
      burnRate: fc.option(fc.constantFrom(1, 6), { nil: undefined }),
    });
    const one = fc.record({ when, as: fc.option(route, { nil: undefined }), to: fc.array(names, { minLength: 1 }) });
    const base = catalogueOf().notifications;
    fc.assert(
      fc.property(fc.array(one), (routes) => {
        const answer = routed({ ...base, routes }, NAMES, { ...facts, route: "page", burnRate: 3 });
        expect(answer.route).toBe("page");
        expect(answer.to.length).toBeGreaterThan(0);
      }),
    );
  });
});

describe("the words of a message", () => {
  const message = { key: "k", route: "page" as const, title: "web-1 escalated", text: "the disk is bad" };
  const about = { state: "in act: draining", tried: "drain: happened", waiting: "nothing", next: "selfheal show r1" };

  it("of a page say the state of the world, what was tried, what is waiting and the next command", () => {
    const { title, text, failed } = worded(catalogueOf().notifications, message, "page", about);
    expect(failed).toBeNull();
    expect(title).toBe("web-1 escalated");
    expect(text.split("\n")).toEqual([
      "the disk is bad",
      "State: in act: draining",
      "Tried: drain: happened",
      "Waiting: nothing",
      "Next: selfheal show r1",
    ]);
  });

  it("stay as they were where a template cannot be filled: nobody goes untold for a word", () => {
    const hostile = { ...message, text: "an alert that says ${{ config.secret }}" };
    const { text, failed } = worded(catalogueOf().notifications, hostile, "page", about);
    expect(text).toBe(hostile.text);
    expect(failed).toContain("is itself a template");
  });
});

describe("a mistake in notifications is located", () => {
  it.each([
    [
      "a channel that is not there",
      "  otherwise: [chta]",
      'notifications.otherwise[0]: there is no such channel (got "chta"), did you mean "chat"?',
    ],
    [
      "a route that would make less of a page",
      "  routes:\n    - { as: message, to: [chat] }",
      "notifications.routes[0].as: this would make less of a page",
    ],
    ["a route to five channels", "  routes:\n    - { to: [chat, chat, chat, chat, chat] }", "at most 4 channels"],
    ["a route to nobody", "  routes:\n    - { to: [] }", "notifications.routes[0].to: "],
    [
      "a template of what is not known",
      "  templates: { page: { text: '${{ alert.x }}' } }",
      "notifications.templates.page.text: ",
    ],
    [
      "a field that messages do not have",
      "  templates: { page: { text: '${{ remediation.stat }}' } }",
      "remediation.state",
    ],
  ])("%s", (_what, rules, expected) => {
    expect(problemsOf({ config: withRules(rules) }).join("\n")).toContain(expected);
  });

  it("and a ticket may become a message", () => {
    const rules = "  routes:\n    - { when: { route: [ticket] }, as: message, to: [chat] }";
    expect(problemsOf({ config: withRules(rules) })).toEqual([]);
  });

  it("a failure after an effect pages, and a runbook cannot say otherwise", () => {
    const runbook = edited("finish:\n", "finish:\n  escalate: { afterEffect: ticket }\n");
    expect(problemsOf({ runbooks: [runbook] }).join("\n")).toContain(
      'finish.escalate.afterEffect: a failure after an effect always pages (got "ticket"), page',
    );
  });
});

describe("people in chat", () => {
  const anna = "  - { name: anna, roles: [dc-ops] }";
  const withPeople = (people: string): string => problemsOf({ config: edited(anna, people, CONFIG) }).join("\n");

  it("are each one Slack user, in groups that there are", () => {
    expect(
      withPeople("  - { name: anna, roles: [dc-ops], slack: { id: U012, roles: [approver], groups: [web] } }"),
    ).toBe("");
    const two = "  - { name: anna, slack: { id: U012 } }\n  - { name: bob, slack: { id: U012, groups: [wbe] } }";
    expect(withPeople(two)).toContain("people[1].slack.id: this Slack user is another person already");
    expect(withPeople(two)).toContain("people[1].slack.groups[0]: there is no such group");
  });
});
