import { expect, test } from 'vitest';
import { crc32c } from '../../../core/trackers/tensorboard/crc32c.js';
import { maskedCrc32c, recordFrame } from '../../../core/trackers/tensorboard/record-frame.js';

test.each([
  { name: '32 zeros', bytes: new Uint8Array(32), crc: 0x8a9136aa },
  { name: '32 times 0xff', bytes: new Uint8Array(32).fill(0xff), crc: 0x62a8ab43 },
  { name: '0 to 31', bytes: Uint8Array.from({ length: 32 }, (_, i) => i), crc: 0x46dd794e },
  { name: '31 to 0', bytes: Uint8Array.from({ length: 32 }, (_, i) => 31 - i), crc: 0x113fdb5c },
  { name: 'nothing', bytes: new Uint8Array(0), crc: 0 },
])('CRC-32C of $name is that of RFC 3720', ({ bytes, crc }) => {
  expect(crc32c(bytes)).toBe(crc);
});

test('the masked checksum is rotated by 15 bits and moved, within 32 bits', () => {
  expect(maskedCrc32c(new Uint8Array(0))).toBe(0xa282ead8);
  const rotated = ((0x8a9136aa >>> 15) | (0x8a9136aa << 17)) >>> 0;
  expect(maskedCrc32c(new Uint8Array(32))).toBe((rotated + 0xa282ead8) % 2 ** 32);
});

test('a frame is length, its checksum, the data, its checksum', () => {
  const data = Buffer.from('event');
  const frame = recordFrame(data);
  expect(frame).toHaveLength(8 + 4 + 5 + 4);
  expect(frame.readBigUInt64LE(0)).toBe(5n);
  expect(frame.readUInt32LE(8)).toBe(maskedCrc32c(frame.subarray(0, 8)));
  expect(frame.subarray(12, 17)).toEqual(data);
  expect(frame.readUInt32LE(17)).toBe(maskedCrc32c(data));
});
