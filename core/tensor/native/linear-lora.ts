import { floats, type NativeCall, type NativeKernel, size } from './native-kernel.js';

interface Scaled {
  readonly scale: number;
}

/** y = x Wᵀ + b + scale · (x Aᵀ) Bᵀ; the last product is added where y lies. */
export const linearLora: NativeKernel<Scaled> = {
  name: 'LinearLora',
  run(call, { scale }) {
    const [rows, inner, columns] = [size(call, 'x', 0), size(call, 'x', 1), size(call, 'weight', 0)];
    const { info, values } = call.backend.allocate([rows, columns]);
    const bias = call.inputs.bias === undefined ? undefined : floats(call, 'bias');
    const [x, weight, b] = [floats(call, 'x'), floats(call, 'weight'), floats(call, 'b')];
    call.addon.gemm(x, weight, values, 1, rows, columns, inner, false, true, 0, 0, false, bias);
    const reduced = scaledProduct(call, { x: 'x', factor: 'a', isTransposed: true, scale });
    call.addon.gemm(reduced.values, b, values, 1, rows, columns, size(call, 'a', 0), false, true, 0, 0, true);
    call.backend.disposeData(reduced.info.dataId);
    return info;
  },
};

/** scale · x Fᵀ, or scale · x F */
export const loraReduced: NativeKernel<Scaled & { readonly isTransposed: boolean }> = {
  name: 'LoraReduced',
  run: (call, attributes) => scaledProduct(call, { x: 'x', factor: 'factor', ...attributes }).info,
};

/** dx = dy W + dReduced A */
export const linearLoraGradX: NativeKernel<object> = {
  name: 'LinearLoraGradX',
  run(call) {
    const [rows, inner, columns] = [size(call, 'dy', 0), size(call, 'dy', 1), size(call, 'weight', 1)];
    const { info, values } = call.backend.allocate([rows, columns]);
    const [dy, weight] = [floats(call, 'dy'), floats(call, 'weight')];
    call.addon.gemm(dy, weight, values, 1, rows, columns, inner, false, false, 0, 0, false);
    const [dReduced, a] = [floats(call, 'dReduced'), floats(call, 'a')];
    call.addon.gemm(dReduced, a, values, 1, rows, columns, size(call, 'a', 0), false, false, 0, 0, true);
    return info;
  },
};

interface ReducedProduct extends Scaled {
  /** Names of inputs. */
  readonly x: string;
  readonly factor: string;
  readonly isTransposed: boolean;
}

function scaledProduct(call: NativeCall, { x, factor, isTransposed, scale }: ReducedProduct) {
  const [rows, inner, columns] = [size(call, x, 0), size(call, x, 1), size(call, factor, isTransposed ? 0 : 1)];
  const { info, values } = call.backend.allocate([rows, columns]);
  call.addon.gemm(
    floats(call, x),
    floats(call, factor),
    values,
    1,
    rows,
    columns,
    inner,
    false,
    isTransposed,
    0,
    0,
    false,
  );
  for (let i = 0; i < rows * columns; i++) values[i] = scale * (values[i] ?? 0);
  return { info, values };
}
