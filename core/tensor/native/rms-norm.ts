import { floats, type NativeKernel, size } from './native-kernel.js';

/** y = x / sqrt(mean(x²) + eps) · weight */
export const rmsNorm: NativeKernel<{ eps: number }> = {
  name: 'RMSNorm',
  run(call, { eps }) {
    const [rows, columns] = [size(call, 'x', 0), size(call, 'x', 1)];
    const { info, values } = call.backend.allocate([rows, columns]);
    call.addon.rmsNorm(floats(call, 'x'), floats(call, 'weight'), values, rows, columns, eps);
    return info;
  },
};

/** dx and dWeight */
export const rmsNormGrad: NativeKernel<{ eps: number }> = {
  name: 'RMSNormGrad',
  run(call, { eps }) {
    const [rows, columns] = [size(call, 'x', 0), size(call, 'x', 1)];
    const dx = call.backend.allocate([rows, columns]);
    const dWeight = call.backend.allocate([columns]);
    const [dy, x, weight] = [floats(call, 'dy'), floats(call, 'x'), floats(call, 'weight')];
    call.addon.rmsNormGrad(dy, x, weight, dx.values, dWeight.values, rows, columns, eps);
    return [dx.info, dWeight.info];
  },
};
