import * as tf from '@tensorflow/tfjs-core';
import { count, floats, input, ints, type NativeCall, type NativeKernel, orInherited, size } from './native-kernel.js';

/** Rows of a table by token id. */
export const embedding: NativeKernel<object> = {
  name: 'Embedding',
  run: (call) => gatherRows(call, 'table', 'tokens'),
};

/** The gradient of the table: the rows of dy that have a token, summed in the order of tokens. */
export const embeddingGrad: NativeKernel<{ rows: number }> = {
  name: 'EmbeddingGrad',
  run(call, { rows }) {
    const columns = size(call, 'dy', 1);
    const { info, values } = call.backend.allocate([rows, columns]);
    const [dy, tokens] = [floats(call, 'dy'), ints(call, 'tokens')];
    call.addon.scatterRows(dy, tokens, values, size(call, 'tokens', 0), rows, columns);
    return info;
  },
};

/** tfjs's gather along the first axis. */
export const gather = orInherited<tf.GatherV2Attrs>('GatherV2', (call, { axis, batchDims }) => {
  const { dtype } = input(call, 'x');
  if (dtype !== 'float32' || axis !== 0 || batchDims !== 0) return undefined;
  return gatherRows(call, 'x', 'indices');
});

function gatherRows(call: NativeCall, tableName: string, indicesName: string): tf.TensorInfo {
  const [rows = 0, ...rest] = input(call, tableName).shape;
  const [table, indices] = [floats(call, tableName), ints(call, indicesName)];
  const { info, values } = call.backend.allocate([...input(call, indicesName).shape, ...rest]);
  call.addon.gatherRows(table, indices, values, count(call, indicesName), rows, tf.util.sizeFromShape(rest));
  return info;
}
