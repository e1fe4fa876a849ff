/** The wire format of Protocol Buffers: fields by number, without schemas. Messages are fields, one after another. */

/** One field as it was read; what its bytes mean only the schema says. */
export type ProtobufField =
  | { readonly number: number; readonly wire: 'varint'; readonly value: bigint }
  | { readonly number: number; readonly wire: 'fixed64' | 'bytes' | 'fixed32'; readonly value: Uint8Array };

const WIRES = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** A message of these fields, in the order given; what an embedded message or a whole record is. */
export function message(...fields: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(fields);
}

/** A field of type int32, int64, uint32, uint64, bool or an enum; negative numbers take ten bytes, as the format has it. */
export function varintField(number: number, value: number | bigint | boolean): Uint8Array {
  return Buffer.concat([tag(number, 'varint'), varint(BigInt.asUintN(64, BigInt(value)))]);
}

/** A field of type double. */
export function doubleField(number: number, value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([tag(number, 'fixed64'), bytes]);
}

/** A field of type float. */
export function floatField(number: number, value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([tag(number, 'fixed32'), bytes]);
}

/** A field of type string. */
export function stringField(number: number, value: string): Uint8Array {
  return bytesField(number, Buffer.from(value, 'utf8'));
}

/** A field of type bytes, or an embedded message. */
export function bytesField(number: number, value: Uint8Array): Uint8Array {
  return Buffer.concat([tag(number, 'bytes'), varint(BigInt(value.length)), value]);
}

/** google.protobuf.Timestamp of the time. */
export function timestamp(time: Date): Uint8Array {
  const ms = time.getTime();
  const seconds = Math.floor(ms / 1000);
  return message(varintField(1, seconds), varintField(2, (ms - seconds * 1000) * 1_000_000));
}

/** The fields of a message in their order; throws RangeError when the bytes end within one or are no message. */
export function readFields(bytes: Uint8Array): ProtobufField[] {
  const reader = new Reader(bytes);
  const fields: ProtobufField[] = [];
  while (!reader.isAtEnd) fields.push(reader.field());
  return fields;
}

class Reader {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#position >= this.#bytes.length;
  }

  field(): ProtobufField {
    const key = Number(this.#varint());
    const number = key >>> 3;
    switch (key & 7) {
      case WIRES.varint:
        return { number, wire: 'varint', value: this.#varint() };
      case WIRES.fixed64:
        return { number, wire: 'fixed64', value: this.#take(8) };
      case WIRES.bytes:
        return { number, wire: 'bytes', value: this.#take(Number(this.#varint())) };
      case WIRES.fixed32:
        return { number, wire: 'fixed32', value: this.#take(4) };
      default:
        throw new RangeError(`field ${number} has wire type ${key & 7}, which no message has`);
    }
  }

  #varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const [byte = 0] = this.#take(1);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new RangeError('a varint has more than ten bytes');
  }

  #take(count: number): Uint8Array {
    const end = this.#position + count;
    if (end > this.#bytes.length) throw new RangeError(`the message ends at ${this.#bytes.length}, a field at ${end}`);
    const taken = this.#bytes.subarray(this.#position, end);
    this.#position = end;
    return taken;
  }
}

function tag(number: number, wire: keyof typeof WIRES): Uint8Array {
  return varint(BigInt(number * 8 + WIRES[wire]));
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
