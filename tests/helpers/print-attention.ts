// Prints digests of attention, its gradient and cached attention on backend native: the same on every instruction set.
import { createHash } from 'node:crypto';
import { useBackend } from '../../core/tensor/backend.js';
import { attend, attendGrad, packedHeads } from './packed-heads.js';
import { decodeInChunks } from './paged-heads.js';

await useBackend('native', { threads: 1 });
const sizes = [
  { heads: 6, kvHeads: 2, headDim: 10 },
  { heads: 4, kvHeads: 2, headDim: 64 },
  { heads: 1, kvHeads: 1, headDim: 80 },
];
for (const size of sizes) {
  const x = packedHeads([150, 1, 70], size);
  const { out, logSumExp } = attend(x);
  const { dq, dk, dv } = attendGrad(x);
  const digests = [out, logSumExp, dq, dk, dv, decodeInChunks(x, [13, 100, 1])].map(digest);
  process.stdout.write(`${digests.join(' ')}\n`);
}

function digest(values: Float32Array): string {
  return createHash('sha256').update(values).digest('hex').slice(0, 16);
}
