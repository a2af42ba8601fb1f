/**
 * Encryption of what Temporal stores (ADR 55): AES-256-GCM over each payload, with the id of its key beside it. The first
 * key encrypts, all of them decrypt. What came unencrypted is read as it is: histories from before, and input of people
 * by the `temporal` command.
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { Payload, PayloadCodec } from "@temporalio/common";
import { Secret } from "../ports/secret.ts";
import { EXIT, UserError } from "./user-error.ts";

export interface PayloadKey {
  id: string;
  /** 32 bytes, base64. */
  key: Secret;
}

const FORM = /^([\w.-]{1,64}):([A-Za-z0-9+/]{43}=)$/;

/** `ID:BASE64` of each, the newest first, with commas or line ends between. Throws a UserError that shows no key. */
export function parsePayloadKeys(text: string): PayloadKey[] {
  const entries = text.split(/[\s,]+/).filter((entry) => entry !== "");
  const keys = entries.map((entry, index) => {
    const [, id = "", key = ""] = FORM.exec(entry) ?? [];
    if (id !== "") return { id, key: new Secret(key) };
    throw wrong(`entry ${index + 1} is not ID:KEY with 32 bytes of base64 (openssl rand -base64 32)`);
  });
  const twice = keys.find(({ id }, index) => keys.findIndex((one) => one.id === id) !== index);
  if (twice !== undefined) throw wrong(`the id ${twice.id} is there twice`);
  if (keys.length === 0) throw wrong("there is no key in it");
  return keys;
}

function wrong(what: string): UserError {
  return new UserError(`SELFHEAL_PAYLOAD_KEYS: ${what}`, { exitCode: EXIT.usage });
}

const ENCODING = "binary/encrypted";
const KEY_ID = "selfheal-key";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const LENGTH_BYTES = 4;

/** `keys` must not be empty. */
export function payloadCodec(keys: readonly PayloadKey[]): PayloadCodec {
  const [newest] = keys;
  if (newest === undefined) throw wrong("there is no key in it");
  return {
    encode: (payloads) => Promise.resolve(payloads.map((payload) => encrypt(payload, newest))),
    // What throws in here rejects.
    decode: (payloads) => new Promise((resolve) => resolve(payloads.map((payload) => opened(payload, keys)))),
  };
}

function encrypt(payload: Payload, { id, key }: PayloadKey): Payload {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", bytesOf(key), nonce).setAAD(Buffer.from(id));
  const sealed = [nonce, cipher.update(framed(payload)), cipher.final(), cipher.getAuthTag()];
  return { metadata: { encoding: Buffer.from(ENCODING), [KEY_ID]: Buffer.from(id) }, data: Buffer.concat(sealed) };
}

function opened(payload: Payload, keys: readonly PayloadKey[]): Payload {
  return textOf(payload.metadata?.["encoding"]) === ENCODING ? decrypt(payload, keys) : payload;
}

function decrypt(payload: Payload, keys: readonly PayloadKey[]): Payload {
  const id = textOf(payload.metadata?.[KEY_ID]);
  const key = keys.find((one) => one.id === id)?.key;
  if (key === undefined) {
    throw new Error(
      `a payload is encrypted with the key ${JSON.stringify(id)}, which SELFHEAL_PAYLOAD_KEYS does not hold`,
    );
  }
  const data = Buffer.from(payload.data ?? []);
  if (data.length < NONCE_BYTES + TAG_BYTES)
    throw new Error(`an encrypted payload of key ${id} is too short: ${data.length} bytes`);
  const end = data.length - TAG_BYTES;
  const decipher = createDecipheriv("aes-256-gcm", bytesOf(key), data.subarray(0, NONCE_BYTES))
    .setAAD(Buffer.from(id))
    .setAuthTag(data.subarray(end));
  return unframed(Buffer.concat([decipher.update(data.subarray(NONCE_BYTES, end)), decipher.final()]));
}

function bytesOf(key: Secret): Buffer {
  return Buffer.from(key.reveal(), "base64");
}

function textOf(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? "" : Buffer.from(bytes).toString();
}

/** The length of the metadata, the metadata as JSON of base64, the data. */
function framed({ metadata, data }: Payload): Buffer {
  const entries = Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString("base64")]);
  const head = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(head.length);
  // Of what is nothing, the SDK gives none, or an empty list instead of bytes.
  return Buffer.concat([length, head, Buffer.from(data ?? [])]);
}

function unframed(plain: Buffer): Payload {
  const start = LENGTH_BYTES + plain.readUInt32BE();
  const head = JSON.parse(plain.subarray(LENGTH_BYTES, start).toString()) as Record<string, string>;
  const entries = Object.entries(head).map(([name, value]) => [name, Buffer.from(value, "base64")] as const);
  return { metadata: Object.fromEntries(entries), data: plain.subarray(start) };
}
