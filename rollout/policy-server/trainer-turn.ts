import { InfrastructureError } from '../../core/errors.js';
import type { PausableEngine } from '../engines/local.js';

/** Lets one trainer call run at a time, with the engine standing still. */
export class TrainerTurn {
  readonly #engine: PausableEngine;
  #isTaken = false;

  constructor(engine: PausableEngine) {
    this.#engine = engine;
  }

  get isTaken(): boolean {
    return this.#isTaken;
  }

  async run<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
    using _turn = this.#take();
    using _paused = await this.#engine.pause(signal);
    return await call();
  }

  #take(): Disposable {
    if (this.#isTaken) {
      throw new InfrastructureError('trainer_busy', 'the trainer is at another call', { retryable: true });
    }
    this.#isTaken = true;
    return {
      [Symbol.dispose]: () => {
        this.#isTaken = false;
      },
    };
  }
}
