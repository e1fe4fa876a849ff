import { count, floats, input, type NativeKernel } from './native-kernel.js';

/** y = gate · sigmoid(gate) · up */
export const swiglu: NativeKernel<object> = {
  name: 'SwiGLU',
  run(call) {
    const { info, values } = call.backend.allocate(input(call, 'gate').shape);
    call.addon.swiglu(floats(call, 'gate'), floats(call, 'up'), values, count(call, 'gate'));
    return info;
  },
};

/** dGate and dUp */
export const swigluGrad: NativeKernel<object> = {
  name: 'SwiGLUGrad',
  run(call) {
    const { shape } = input(call, 'gate');
    const [dGate, dUp] = [call.backend.allocate(shape), call.backend.allocate(shape)];
    const [dy, gate, up] = [floats(call, 'dy'), floats(call, 'gate'), floats(call, 'up')];
    call.addon.swigluGrad(dy, gate, up, dGate.values, dUp.values, count(call, 'gate'));
    return [dGate.info, dUp.info];
  },
};
