import { floats, type NativeKernel, size } from './native-kernel.js';

/** y = x Wᵀ + b */
export const linear: NativeKernel<object> = {
  name: 'Linear',
  run(call) {
    const [rows, inner, columns] = [size(call, 'x', 0), size(call, 'x', 1), size(call, 'weight', 0)];
    const { info, values } = call.backend.allocate([rows, columns]);
    const bias = call.inputs.bias === undefined ? undefined : floats(call, 'bias');
    const [x, weight] = [floats(call, 'x'), floats(call, 'weight')];
    call.addon.gemm(x, weight, values, 1, rows, columns, inner, false, true, 0, 0, false, bias);
    return info;
  },
};

/** dx = dy W */
export const linearGradX: NativeKernel<object> = {
  name: 'LinearGradX',
  run(call) {
    const [rows, inner, columns] = [size(call, 'dy', 0), size(call, 'dy', 1), size(call, 'weight', 1)];
    const { info, values } = call.backend.allocate([rows, columns]);
    const [dy, weight] = [floats(call, 'dy'), floats(call, 'weight')];
    call.addon.gemm(dy, weight, values, 1, rows, columns, inner, false, false, 0, 0, false);
    return info;
  },
};

/** dW = dyᵀ x */
export const linearGradWeight: NativeKernel<object> = {
  name: 'LinearGradWeight',
  run(call) {
    const [inner, rows, columns] = [size(call, 'dy', 0), size(call, 'dy', 1), size(call, 'x', 1)];
    const { info, values } = call.backend.allocate([rows, columns]);
    call.addon.gemm(floats(call, 'dy'), floats(call, 'x'), values, 1, rows, columns, inner, true, false, 0, 0, false);
    return info;
  },
};
