import { describe, expect, it } from "vitest";
import { failureOf, retryAfter } from "../../src/adapters/http.ts";
import { describeError, errorCode, neverLeft } from "../../src/adapters/network.ts";

const system = (code: string, syscall?: string): Error =>
  Object.assign(new Error(`${syscall ?? ""} ${code}`), { code, syscall });
const fetchFailed = (cause: unknown): TypeError => new TypeError("fetch failed", { cause });

describe("neverLeft", () => {
  it("is true only for errors from before the first byte", () => {
    const before = [
      system("ECONNREFUSED", "connect"),
      system("ENOTFOUND", "getaddrinfo"),
      system("EHOSTUNREACH", "connect"),
    ];
    for (const error of before) expect(neverLeft(fetchFailed(error))).toBe(true);
    expect(neverLeft(fetchFailed(system("UND_ERR_CONNECT_TIMEOUT")))).toBe(true);
    expect(neverLeft(system("ENOENT", "connect"))).toBe(true);
  });

  it("is false for errors of a connection that was there, and for what it does not know", () => {
    const after = [system("ECONNRESET", "read"), system("EPIPE", "write"), system("EHOSTUNREACH", "read")];
    for (const error of [...after, system("UND_ERR_SOCKET"), new Error("?"), null, "text"]) {
      expect(neverLeft(fetchFailed(error))).toBe(false);
    }
  });

  it("asks of several addresses that every one failed before sending", () => {
    const refused = system("ECONNREFUSED", "connect");
    expect(neverLeft(fetchFailed(new AggregateError([refused, refused])))).toBe(true);
    expect(neverLeft(fetchFailed(new AggregateError([refused, system("ECONNRESET", "read")])))).toBe(false);
    expect(errorCode(fetchFailed(new AggregateError([refused])))).toBe("ECONNREFUSED");
    expect(describeError(fetchFailed(new AggregateError([refused])))).toContain("ECONNREFUSED");
  });
});

describe("retryAfter", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  it("reads seconds and dates, never below zero, never above an hour", () => {
    expect(retryAfter("7", now)).toBe(7_000);
    expect(retryAfter("Thu, 01 Jan 2026 00:00:30 GMT", now)).toBe(30_000);
    expect(retryAfter("Wed, 31 Dec 2025 00:00:00 GMT", now)).toBe(0);
    expect(retryAfter("999999", now)).toBe(3_600_000);
  });
  it("says nothing for what it cannot read", () => {
    for (const header of [null, "", "soon"]) expect(retryAfter(header, now)).toBeUndefined();
  });
});

describe("failureOf", () => {
  it("never calls a status of a write transient unless it says that nothing was done", () => {
    for (let status = 300; status < 600; status += 1) {
      const expected = status === 429 ? "transient" : status >= 500 || status === 408 ? "ambiguous" : "permanent";
      expect(failureOf(status, "write", false), String(status)).toBe(expected);
    }
    expect(failureOf(503, "write", true)).toBe("transient");
    expect(failureOf(500, "write", true)).toBe("ambiguous");
  });
});
