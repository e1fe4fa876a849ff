import { floats, ints, type NativeKernel, size } from './native-kernel.js';

/** Each head's vector turned by the angles of its row's position, or back. */
export const rotary: NativeKernel<{ inverse: boolean }> = {
  name: 'Rotary',
  run(call, { inverse }) {
    const [rows, heads, dim] = [size(call, 'x', 0), size(call, 'x', 1), size(call, 'x', 2)];
    const [x, cos, sin, positions] = [
      floats(call, 'x'),
      floats(call, 'cos'),
      floats(call, 'sin'),
      ints(call, 'positions'),
    ];
    const { info, values } = call.backend.allocate([rows, heads, dim]);
    call.addon.rotary(x, cos, sin, positions, values, rows, heads, dim, size(call, 'cos', 0), inverse);
    return info;
  },
};
