import { floats, type NativeKernel, size } from './native-kernel.js';

interface Attributes {
  readonly eps: number;
  readonly offset: number;
}

/** y = x / sqrt(mean(x²) + eps) · (offset + weight) */
export const rmsNorm: NativeKernel<Attributes> = {
  name: 'RMSNorm',
  run(call, { eps, offset }) {
    const [rows, columns] = [size(call, 'x', 0), size(call, 'x', 1)];
    const { info, values } = call.backend.allocate([rows, columns]);
    call.addon.rmsNorm(floats(call, 'x'), floats(call, 'weight'), rows, columns, eps, offset, values);
    return info;
  },
};

/** dx and dWeight */
export const rmsNormGrad: NativeKernel<Attributes> = {
  name: 'RMSNormGrad',
  run(call, { eps, offset }) {
    const [rows, columns] = [size(call, 'x', 0), size(call, 'x', 1)];
    const dx = call.backend.allocate([rows, columns]);
    const dWeight = call.backend.allocate([columns]);
    const [dy, x, weight] = [floats(call, 'dy'), floats(call, 'x'), floats(call, 'weight')];
    call.addon.rmsNormGrad(x, weight, rows, columns, eps, offset, dy, dx.values, dWeight.values);
    return [dx.info, dWeight.info];
  },
};
