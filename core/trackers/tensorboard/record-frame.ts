import { crc32c } from './crc32c.js';

const maskDelta = 0xa282ead8;

/** One record of a TFRecord file: length, its masked CRC-32C, the data, its masked CRC-32C; little endian. */
export function recordFrame(data: Uint8Array): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(data.length));
  return Buffer.concat([length, checksum(length), data, checksum(data)]);
}

/** A CRC of data that holds CRCs is weak: the stored one is rotated by 15 bits and moved by a constant. */
export function maskedCrc32c(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + maskDelta) >>> 0;
}

function checksum(bytes: Uint8Array): Buffer {
  const stored = Buffer.alloc(4);
  stored.writeUInt32LE(maskedCrc32c(bytes));
  return stored;
}
