import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { identify, normaliseName } from "../../src/catalogue/identity.ts";
import { catalogueOf } from "./support.ts";

const { inventory } = catalogueOf();
const FROM = ["host", "instance"];
const idOf = (labels: Record<string, string>, from = FROM): string => {
  const found = identify(inventory, "host", labels, from);
  return found.target === null ? found.code : found.target.id;
};

describe("many names, one target", () => {
  it.each([
    "web-1",
    "WEB-1",
    " web-1 ",
    "web-1.",
    "web-1:9100",
    "web-1.example.net",
    "Web-1.Example.NET.:9100",
    "10.0.0.1",
    "10.0.0.1:9100",
    "[2001:db8::1]:9100",
    "2001:DB8:0:0:0:0:0:1",
    "[::ffff:10.0.0.1]:9100",
    "http://web-1.example.net:8080/healthz?x=1",
    "https://user:secret@10.0.0.1/",
  ])("%s is web-1", (name) => {
    expect(idOf({ instance: name })).toBe("web-1");
  });

  it.each(["web-1.example.org", "web-11", "xweb-1", "10.0.0.10", "example.net", "web-1 web-2", "web_1"])(
    "%s is nobody",
    (name) => {
      expect(idOf({ host: name })).toBe("TARGET_UNKNOWN");
    },
  );
});

describe("labels that do not name exactly one target", () => {
  it.each([
    ["no label", {}],
    ["an empty label", { host: "" }],
    ["only white space", { host: "  ", instance: "" }],
    ["only a port", { host: ":9100" }],
    ["an inherited property", {}],
  ])("%s is empty, never a target without name", (_what, labels) => {
    expect(idOf(labels, [...FROM, "constructor", "toString"])).toBe("TARGET_EMPTY");
  });

  it("two known targets are ambiguous, in whatever order", () => {
    expect(idOf({ host: "web-1", instance: "10.0.0.2:9100" })).toBe("TARGET_AMBIGUOUS");
    expect(idOf({ host: "web-2", instance: "10.0.0.1:9100" })).toBe("TARGET_AMBIGUOUS");
  });

  it("an unknown address behind a known name does not matter", () => {
    expect(idOf({ host: "web-1", instance: "127.0.0.1:19100" })).toBe("web-1");
  });

  it("a known address never replaces an unknown name before it", () => {
    expect(idOf({ host: "web-99", instance: "10.0.0.1:9100" })).toBe("TARGET_UNKNOWN");
  });

  it("a target of another kind is unknown", () => {
    expect(identify(inventory, "pod", { host: "web-1" }, FROM)).toMatchObject({ target: null, code: "TARGET_UNKNOWN" });
  });
});

describe("properties", () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
  const decorate = fc.record({
    upper: fc.boolean(),
    domain: fc.constantFrom("", ".example.net"),
    dot: fc.constantFrom("", "."),
    port: fc.oneof(
      fc.constant(""),
      fc.nat(65_535).map((port) => `:${port}`),
    ),
    scheme: fc.constantFrom("", "http://", "https://"),
  });

  it("every decoration of a name has the same one form", () => {
    fc.assert(
      fc.property(name, decorate, (plain, { upper, domain, dot, port, scheme }) => {
        const decorated = `${scheme}${plain}${domain}${dot}${port}`;
        expect(normaliseName(upper ? decorated.toUpperCase() : decorated, ["example.net"])).toBe(plain);
      }),
    );
  });

  it("the form of a form is itself, for any text", () => {
    fc.assert(
      fc.property(fc.oneof(name, fc.ipV4(), fc.ipV6(), fc.domain()), (text) => {
        const once = normaliseName(text, ["example.net"]);
        expect(normaliseName(once, ["example.net"])).toBe(once);
      }),
    );
  });

  it("every way to write one IPv6 address, with port or without, is one", () => {
    const groups = fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(groups, fc.boolean(), (parts, withPort) => {
        const long = parts.map((part) => part.toString(16).padStart(4, "0")).join(":");
        const short = parts.map((part) => part.toString(16).toUpperCase()).join(":");
        expect(normaliseName(withPort ? `[${long}]:9100` : long, [])).toBe(normaliseName(short, []));
      }),
    );
  });

  it("whatever the labels say, the answer is a target of the inventory or a code", () => {
    const labels = fc.dictionary(
      fc.constantFrom("host", "instance", "x"),
      fc.oneof(fc.string(), fc.constantFrom("web-1", "10.0.0.2:1")),
    );
    fc.assert(
      fc.property(labels, (some) => {
        const found = identify(inventory, "host", some, FROM);
        if (found.target === null) expect(found.code).toMatch(/^TARGET_(EMPTY|UNKNOWN|AMBIGUOUS)$/);
        else expect(inventory.targets).toContain(found.target);
      }),
    );
  });
});
