import { expect, test } from 'vitest';
import {
  bytesField,
  doubleField,
  floatField,
  message,
  readFields,
  stringField,
  timestamp,
  varintField,
} from '../../../core/trackers/protobuf.js';

/** The bytes as hexadecimal digits. */
function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

test('the examples of the format’s documentation are written as it prints them', () => {
  // protobuf.dev/programming-guides/encoding: Test1 {a: 150}, Test2 {b: "testing"}, Test3 {c: {a: 150}}, -2
  expect(hex(varintField(1, 150))).toBe('089601');
  expect(hex(stringField(2, 'testing'))).toBe('120774657374696e67');
  expect(hex(bytesField(3, varintField(1, 150)))).toBe('1a03089601');
  expect(hex(varintField(1, -2))).toBe('08feffffffffffffffff01');
});

test('numbers of fixed size are little-endian, NaN and the infinities among them', () => {
  expect(hex(doubleField(6, 1))).toBe('31000000000000f03f');
  expect(hex(doubleField(1, Number.POSITIVE_INFINITY))).toBe('09000000000000f07f');
  expect(hex(doubleField(1, Number.NaN))).toBe('09000000000000f87f');
  expect(hex(floatField(2, 1))).toBe('150000803f');
});

test('booleans are varints, and field numbers past 15 take two bytes', () => {
  expect(hex(varintField(1, true))).toBe('0801');
  expect(hex(varintField(200, 0n))).toBe('c00c00');
});

test('a time before 1970 has whole seconds below it and nanoseconds after them', () => {
  const [seconds, nanos] = readFields(timestamp(new Date(-250)));
  expect(seconds).toEqual({ number: 1, wire: 'varint', value: 2n ** 64n - 1n });
  expect(nanos).toEqual({ number: 2, wire: 'varint', value: 750_000_000n });
});

test('a message is read back field by field', () => {
  const bytes = message(varintField(1, 2n ** 64n - 1n), stringField(16, 'é'), doubleField(3, 0.5), floatField(4, 2));
  expect(readFields(bytes)).toEqual([
    { number: 1, wire: 'varint', value: 2n ** 64n - 1n },
    { number: 16, wire: 'bytes', value: Buffer.from('é') },
    { number: 3, wire: 'fixed64', value: Buffer.from('000000000000e03f', 'hex') },
    { number: 4, wire: 'fixed32', value: Buffer.from('00000040', 'hex') },
  ]);
});

test('no bytes are a message without fields', () => {
  expect(readFields(message())).toEqual([]);
});

test('bytes that end within a field, or are no field, are refused', () => {
  expect(() => readFields(Buffer.from('120774', 'hex'))).toThrow('the message ends at 3, a field at 9');
  expect(() => readFields(Buffer.from('08ff', 'hex'))).toThrow(RangeError);
  expect(() => readFields(Buffer.from('0b', 'hex'))).toThrow('field 1 has wire type 3');
  expect(() => readFields(Buffer.from(`08${'ff'.repeat(11)}`, 'hex'))).toThrow('more than ten bytes');
});
