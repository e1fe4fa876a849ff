// Ends with 0 when backend `node` loads as in any run, shares the engine and computes what cpu computes.
import { strict as assert } from 'node:assert';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';

const dist = join(dirname(dirname(fileURLToPath(import.meta.url))), 'dist/core/tensor');
const { useBackend } = await load('backend.js');
const { builtTfjsNode } = await load('tfjs-node-folder.js');
const { rmsNorm } = await load('rms-norm.js');
const { linear } = await load('linear.js');

const onCpu = await compute('cpu');
const onNode = await compute('node');
assert.equal(tf.getBackend(), 'tensorflow');
assert.equal(createRequire(builtTfjsNode())('@tensorflow/tfjs-core').engine, tf.engine, 'a second tfjs-core is loaded');
assert.equal(onNode.length, onCpu.length);
for (const [i, value] of onNode.entries()) assert.ok(Math.abs(value - onCpu[i]) < 1e-4, `${value}, on cpu ${onCpu[i]}`);

/** A layer's value and its gradient for the weight. */
async function compute(backend) {
  await useBackend(backend);
  return tf.tidy(() => {
    const [x, weight, scale] = [ramp([5, 8]), ramp([7, 8]), ramp([7])];
    const layer = (w) => rmsNorm(linear(x, w), scale, 1e-6);
    return [layer(weight), tf.grad((w) => tf.sum(tf.square(layer(w))))(weight)].flatMap((y) => [...y.dataSync()]);
  });
}

function ramp(shape) {
  const size = shape.reduce((a, b) => a * b);
  return tf.tensor(
    Array.from({ length: size }, (_, i) => Math.sin(i)),
    shape,
  );
}

function load(name) {
  return import(pathToFileURL(join(dist, name)).href);
}
