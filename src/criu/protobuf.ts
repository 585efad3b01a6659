/**
 * Protocol buffers, as much of them as criu's messages need: varints, strings and messages inside messages.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */
import { text, utf8 } from "../../native-bindings/libc.ts";

/** The type of one field: what a varint means, a string, or the fields of a message inside. */
export type FieldType = "int" | "bool" | "string" | MessageFields;

export interface Field {
  /** As in the .proto file. */
  readonly number: number;
  readonly type: FieldType;
  /** The value is a list. */
  readonly repeated?: boolean;
}

/** A message's fields by name. */
export interface MessageFields {
  readonly [name: string]: Field;
}

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

type Value = number | boolean | string | object;

/** The bytes of a message. What is undefined is left out, and so is what `fields` does not name. */
export function encodeMessage(fields: MessageFields, message: object): Uint8Array {
  const bytes: number[] = [];
  for (const [name, { number, type, repeated }] of Object.entries(fields)) {
    const value = (message as Record<string, Value | readonly Value[] | undefined>)[name];
    if (value === undefined) continue;
    for (const item of repeated ? (value as readonly Value[]) : [value as Value]) {
      writeField(bytes, number, type, item);
    }
  }
  return new Uint8Array(bytes);
}

function writeField(bytes: number[], number: number, type: FieldType, value: Value): void {
  if (type === "int" || type === "bool") {
    writeVarint(bytes, BigInt(number << 3) | BigInt(VARINT));
    // A negative number is sent in 64 bits, whatever the field's width.
    writeVarint(bytes, BigInt.asUintN(64, BigInt(Number(value))));
    return;
  }
  const content = type === "string" ? utf8(value as string) : encodeMessage(type, value as object);
  writeVarint(bytes, BigInt((number << 3) | LENGTH_DELIMITED));
  writeVarint(bytes, BigInt(content.length));
  for (const byte of content) bytes.push(byte);
}

function writeVarint(bytes: number[], value: bigint): void {
  let rest = value;
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
}

/**
 * A message from its bytes. Fields that `fields` does not name are skipped: a newer criu may send more. Of a field that comes
 * more than once without being a list the last counts.
 *
 * @throws RangeError for bytes that are no message.
 */
export function decodeMessage(fields: MessageFields, bytes: Uint8Array): object {
  const message: Record<string, unknown> = {};
  const reader = { bytes, at: 0 };
  while (reader.at < bytes.length) {
    const tag = Number(readVarint(reader));
    const content = readContent(reader, tag & 7);
    const found = Object.entries(fields).find(([, { number }]) => number === tag >>> 3);
    if (found === undefined) continue;
    const [name, { type, repeated }] = found;
    const value = fieldValue(type, content);
    if (repeated) message[name] = [...((message[name] as unknown[] | undefined) ?? []), value];
    else message[name] = value;
  }
  return message;
}

interface Reader {
  readonly bytes: Uint8Array;
  at: number;
}

function readContent(reader: Reader, wireType: number): bigint | Uint8Array {
  switch (wireType) {
    case VARINT:
      return readVarint(reader);
    case LENGTH_DELIMITED:
      return readBytes(reader, Number(readVarint(reader)));
    case FIXED64:
      return readBytes(reader, 8);
    case FIXED32:
      return readBytes(reader, 4);
    default:
      throw new RangeError(`wire type ${wireType}`);
  }
}

function readBytes(reader: Reader, length: number): Uint8Array {
  const start = reader.at;
  reader.at += length;
  if (reader.at > reader.bytes.length) throw new RangeError("a field is longer than its message");
  return reader.bytes.subarray(start, reader.at);
}

function readVarint(reader: Reader): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = reader.bytes[reader.at++];
    if (byte === undefined) throw new RangeError("a number is cut off");
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return BigInt.asUintN(64, value);
  }
  throw new RangeError("a number has more than 64 bits");
}

function fieldValue(type: FieldType, content: bigint | Uint8Array): unknown {
  if (type === "int" || type === "bool") {
    if (typeof content !== "bigint") throw new RangeError("bytes where a number belongs");
    return type === "bool" ? content !== 0n : Number(BigInt.asIntN(64, content));
  }
  if (typeof content === "bigint") throw new RangeError("a number where bytes belong");
  return type === "string" ? text(content) : decodeMessage(type, content);
}
