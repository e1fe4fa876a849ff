/** The few kinds of protobuf fields (wire format, proto3) that our messages are made of; a message is its fields in a row. */

const varintType = 0;
const fixed64Type = 1;
const bytesType = 2;
const fixed32Type = 5;

/** A message of these fields. */
export function message(...fields: readonly Uint8Array[]): Buffer {
  return Buffer.concat(fields);
}

/** An int64, uint64, enum or bool; the value is a whole number from 0 to 2^53. */
export function integer(field: number, value: number): Buffer {
  return message(key(field, varintType), varint(value));
}

export function double(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return message(key(field, fixed64Type), bytes);
}

export function float(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return message(key(field, fixed32Type), bytes);
}

/** Text (as UTF-8), bytes, or a message inside a message. */
export function bytes(field: number, value: string | Uint8Array): Buffer {
  const content = typeof value === 'string' ? Buffer.from(value) : value;
  return message(key(field, bytesType), varint(content.length), content);
}

function key(field: number, wireType: number): Buffer {
  return varint(field * 8 + wireType);
}

/** Seven bits a byte, the lowest first; division, as shifts would cut at 32 bits. */
function varint(value: number): Buffer {
  const groups: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    groups.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return Buffer.from([...groups, rest]);
}
