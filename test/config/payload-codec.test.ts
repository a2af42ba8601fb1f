import { randomBytes } from "node:crypto";
import { defaultPayloadConverter, type Payload } from "@temporalio/common";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parsePayloadKeys, payloadCodec } from "../../src/config/payload-codec.ts";
import { UserError } from "../../src/config/user-error.ts";

const key = (id: string): string => `${id}:${randomBytes(32).toString("base64")}`;
const [OLD, NEW] = [key("2026-01"), key("2026-11")];
const codecOf = (...keys: string[]) => payloadCodec(parsePayloadKeys(keys.join(",")));
const SECRET = "the serial is 4711";
const payloadOf = (value: unknown): Payload => defaultPayloadConverter.toPayload(value);

describe("payload encryption", () => {
  it("gives every payload back as it was, and shows nothing of it meanwhile", async () => {
    const codec = codecOf(NEW);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.json()), async (values) => {
        const payloads = values.map((value) => payloadOf({ value, SECRET }));
        const encrypted = await codec.encode(payloads);
        for (const one of encrypted) expect(Buffer.from(one.data ?? []).includes(SECRET)).toBe(false);
        const back = await codec.decode(encrypted);
        expect(back.map((one) => defaultPayloadConverter.fromPayload(one))).toEqual(
          values.map((value) => ({ value, SECRET })),
        );
      }),
    );
  });

  it("never writes the same bytes twice", async () => {
    const codec = codecOf(NEW);
    const [one, two] = await codec.encode([payloadOf(SECRET), payloadOf(SECRET)]);
    expect(Buffer.from(one?.data ?? []).equals(Buffer.from(two?.data ?? []))).toBe(false);
  });

  it("encrypts with the first key, and reads what any of them has written", async () => {
    const before = await codecOf(OLD).encode([payloadOf(SECRET)]);
    const rotated = codecOf(NEW, OLD);
    const after = await rotated.encode([payloadOf(SECRET)]);
    expect(after.map(({ metadata }) => Buffer.from(metadata?.["selfheal-key"] ?? []).toString())).toEqual(["2026-11"]);
    for (const payloads of [before, after]) {
      expect((await rotated.decode(payloads)).map((one) => defaultPayloadConverter.fromPayload(one))).toEqual([SECRET]);
    }
  });

  it("reads what was never encrypted: histories from before, and what people type", async () => {
    const plain = [payloadOf(SECRET), payloadOf(undefined)];
    expect(await codecOf(NEW).decode(plain)).toEqual(plain);
  });

  it.each([undefined, null, []])(
    "takes nothing, as the SDK says it (data is %j), and gives no data back",
    async (data) => {
      const codec = codecOf(NEW);
      const nothing = { metadata: payloadOf(undefined).metadata, data } as unknown as Payload;
      const [back] = await codec.decode(await codec.encode([nothing]));
      expect(Buffer.from(back?.data ?? [])).toHaveLength(0);
      expect(defaultPayloadConverter.fromPayload(back as Payload)).toBeUndefined();
    },
  );

  it("names the key that it lacks", async () => {
    const payloads = await codecOf(OLD).encode([payloadOf(SECRET)]);
    await expect(codecOf(NEW).decode(payloads)).rejects.toThrow(/"2026-01", which SELFHEAL_PAYLOAD_KEYS does not hold/);
  });

  it("refuses what was changed: a byte, the key's id, or what is missing at the end", async () => {
    const codec = codecOf(NEW, OLD);
    const [sealed] = await codec.encode([payloadOf(SECRET)]);
    const data = Buffer.from(sealed?.data ?? []);
    const flipped = (at: number): Payload => {
      const changed = Buffer.from(data);
      changed[at] = (changed[at] ?? 0) ^ 1;
      return { ...sealed, data: changed };
    };
    const other = { ...sealed, metadata: { ...sealed?.metadata, "selfheal-key": Buffer.from("2026-01") } };
    const changed = [
      flipped(0),
      flipped(20),
      flipped(data.length - 1),
      other,
      { ...sealed, data: data.subarray(0, 20) },
    ];
    for (const one of changed) await expect(codec.decode([one])).rejects.toThrow();
  });
});

describe("its keys", () => {
  it.each([
    ["nothing", " , \n", /there is no key/],
    ["no id", randomBytes(32).toString("base64"), /entry 1 is not ID:KEY/],
    ["a key that is too short", `${NEW}\n old:${randomBytes(16).toString("base64")}`, /entry 2 is not ID:KEY/],
    ["an id twice", `${NEW},${NEW}`, /2026-11 is there twice/],
  ])("are refused when there is %s, without a word of them", (_what, text, message) => {
    expect(() => parsePayloadKeys(text)).toThrow(message);
    expect(() => parsePayloadKeys(text)).toThrow(UserError);
    const said = (() => {
      try {
        parsePayloadKeys(text);
        return "";
      } catch (error) {
        return String(error);
      }
    })();
    for (const one of text.split(/[\s,:]+/).filter((part) => part.length > 20)) expect(said).not.toContain(one);
  });
});
