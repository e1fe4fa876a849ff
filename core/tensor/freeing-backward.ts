import * as tf from '@tensorflow/tfjs-core';

type State = ReturnType<typeof tf.engine>['state'];
type TapeNode = State['activeTape'][number];
type Thunks = ReturnType<NonNullable<TapeNode['gradient']>>;

/**
 * Differentiates `f` with the same gradients to the bit, by a backward pass that frees as it goes: tfjs by itself keeps what every
 * op has saved, and every gradient of an intermediate, until the pass is over; it does so for ever when `f` or the pass throws.
 * May be called within a backward pass, whose tape it leaves alone; while another function is being taped it frees nothing early.
 * @param differentiate calls one of tfjs's gradient functions with what it is given in place of `f`; a gradient of f's value that
 * it passes is freed
 */
export function freeingBackward<Value extends tf.Tensor, Gradients>(
  f: () => Value,
  differentiate: (f: () => Value) => Gradients,
): Gradients {
  const { state } = tf.engine();
  if (state.gradientDepth > 0) return differentiate(f);
  const outerTape = state.activeTape;
  let ownValue: Value | undefined;
  try {
    return differentiate(() => {
      const value = f();
      if (value.scopeId === state.activeScope.id) ownValue = value;
      const backward = new Backward();
      for (const node of state.activeTape) backward.watch(node);
      return value;
    });
  } catch (error) {
    if (state.activeTape !== outerTape) for (const node of state.activeTape) tf.dispose(node.saved ?? []);
    ownValue?.dispose();
    throw error;
  } finally {
    state.activeTape = outerTape; // differentiating starts a tape of its own and ends without one
  }
}

/**
 * One backward pass. A node's gradients have all been taken once the next node's are asked for; from then on nobody reads what
 * was saved for the node, the gradients of its outputs, and whatever else its gradient function made.
 */
class Backward {
  #garbage = new Set<tf.Tensor>();
  /** Ids of the tensors that have been given a gradient; a further one is added to it and then done with. */
  readonly #reached = new Set<number>();

  watch(node: TapeNode): void {
    const { gradient } = node;
    if (gradient === undefined) return;
    node.gradient = (dys) => {
      for (const tensor of this.#garbage) tensor.dispose();
      this.#garbage = new Set([...(node.saved ?? []), ...dys.filter((dy) => dy !== null)]);
      const { track } = tf.engine().state.activeScope;
      const start = track.length;
      const thunks = gradient(dys);
      const made = track.slice(start).filter((tensor) => !tensor.kept);
      for (const tensor of made) this.#garbage.add(tensor);
      return this.#watched(node, thunks, new Set(made));
    };
  }

  /**
   * The same thunks, each of which returns a tensor of its own that is not garbage, unless it is only going to be added.
   * @param unclaimed what the gradient function has made itself
   */
  #watched(node: TapeNode, thunks: Thunks, unclaimed: Set<tf.Tensor>): Thunks {
    const watch = (name: string, thunk: () => tf.Tensor): tf.Tensor => {
      const result = thunk();
      const isOwn = unclaimed.delete(result) || result.scopeId === tf.engine().state.activeScope.id;
      const own = isOwn ? result : tf.clone(result);
      const id = node.inputs[name]?.id ?? -1;
      if (this.#reached.has(id)) this.#garbage.add(own);
      else this.#garbage.delete(own);
      this.#reached.add(id);
      return own;
    };
    return Object.fromEntries(Object.entries(thunks).map(([name, thunk]) => [name, () => watch(name, thunk)]));
  }
}
