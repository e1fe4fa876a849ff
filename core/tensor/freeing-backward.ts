import * as tf from '@tensorflow/tfjs-core';

type State = ReturnType<typeof tf.engine>['state'];
type TapeNode = State['activeTape'][number];
type Thunks = ReturnType<NonNullable<TapeNode['gradient']>>;

/**
 * A function to differentiate in place of `f`, with the same gradients to the bit, whose backward pass frees as it goes: tfjs by
 * itself keeps what every op has saved, and every gradient of an intermediate, until the pass is over. A gradient of the value
 * that the caller passed is freed too. Within another function being differentiated it is `f` itself. When `f` throws, what
 * was saved for its gradient is freed.
 */
export function freeingBackward<Value extends tf.Tensor>(f: () => Value): () => Value {
  return () => {
    const { state } = tf.engine();
    if (state.gradientDepth !== 1) return f();
    try {
      const value = f();
      const backward = new Backward();
      for (const node of state.activeTape) backward.watch(node);
      return value;
    } catch (error) {
      for (const node of state.activeTape) tf.dispose(node.saved ?? []);
      throw error;
    }
  };
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
