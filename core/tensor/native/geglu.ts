import { count, floats, input, type NativeKernel } from './native-kernel.js';

/** y = gelu(gate) · up, with the tanh form of GELU */
export const geglu: NativeKernel<object> = {
  name: 'GeGLU',
  run(call) {
    const { info, values } = call.backend.allocate(input(call, 'gate').shape);
    call.addon.geglu(floats(call, 'gate'), floats(call, 'up'), values, count(call, 'gate'));
    return info;
  },
};

/** dGate and dUp */
export const gegluGrad: NativeKernel<object> = {
  name: 'GeGLUGrad',
  run(call) {
    const { shape } = input(call, 'gate');
    const [dGate, dUp] = [call.backend.allocate(shape), call.backend.allocate(shape)];
    const [dy, gate, up] = [floats(call, 'dy'), floats(call, 'gate'), floats(call, 'up')];
    call.addon.gegluGrad(dy, gate, up, dGate.values, dUp.values, count(call, 'gate'));
    return [dGate.info, dUp.info];
  },
};
