import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { Rng, rngKey } from '../core/rng.js';
import { useBackend } from '../core/tensor/backend.js';
import { linear } from '../core/tensor/linear.js';
import { gemmOps } from './gemm-ops.js';
import { serveSide } from './serve-side.js';

const openRequest = z.object({ threads: z.int().min(1) });
const measureRequest = z.object({
  op: z.enum(gemmOps),
  shape: z.tuple([z.int(), z.int(), z.int()]),
  seconds: z.number().positive(),
});

let operands: { readonly key: string; readonly a: tf.Tensor2D; readonly b: tf.Tensor2D } | undefined;

await serveSide({
  open: async (request) => ({ backend: await useBackend('auto', openRequest.parse(request)) }),
  measure: (request) => ({ seconds: measure(measureRequest.parse(request)) }),
});

/** Seconds of one product, mean over at least `seconds`. */
function measure({ op, shape: [m, n, k], seconds }: z.output<typeof measureRequest>): number {
  const key = `${op} ${m} ${n} ${k}`;
  if (operands?.key !== key) {
    if (operands !== undefined) tf.dispose([operands.a, operands.b]);
    operands = { key, a: random(m, k), b: op === 'matMul' ? random(k, n) : random(n, k) };
  }
  const { a, b } = operands;
  const multiply = op === 'matMul' ? () => tf.matMul(a, b) : () => linear(a, b);
  tf.tidy(multiply).dispose();
  const start = performance.now();
  let count = 0;
  let elapsed = 0;
  for (; elapsed < seconds * 1000; count++) {
    tf.tidy(multiply).dispose();
    elapsed = performance.now() - start;
  }
  return elapsed / 1000 / count;
}

function random(rows: number, columns: number): tf.Tensor2D {
  const rng = new Rng(rngKey('gemm', rows, columns));
  return tf.tensor2d(
    Float32Array.from({ length: rows * columns }, () => rng.float()),
    [rows, columns],
  );
}
