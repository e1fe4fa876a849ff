import type { ModelFiles } from '../core/model/model-files.js';
import type { Io } from './command-context.js';
import { isWatched } from './progress.js';
import { bar, formatBytes } from './text.js';

/** One line on stderr with how many bytes of so many are done, where somebody watches; gone when it is disposed. */
export class ByteProgress implements Disposable {
  readonly #stderr: Io['stderr'];
  readonly #isShown: boolean;
  #drawn = '';

  constructor({ stderr, env }: Pick<Io, 'stderr' | 'env'>) {
    this.#stderr = stderr;
    this.#isShown = isWatched(stderr, env);
  }

  show(what: string, doneBytes: number, totalBytes: number): void {
    if (!this.#isShown) return;
    const count = `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`;
    const width = (this.#stderr.columns || 80) - 1;
    const line = `${what}  ${bar(doneBytes, totalBytes, 20)}  ${count}`;
    const drawn = line.length > width ? count : line;
    if (drawn === this.#drawn) return;
    this.#stderr.write(`\r\u001b[2K${drawn}`);
    this.#drawn = drawn;
  }

  [Symbol.dispose](): void {
    if (this.#drawn !== '') this.#stderr.write('\r\u001b[2K');
    this.#drawn = '';
  }
}

/** The same model, whose reading is shown: each tensor counts as many bytes as its float32 values. Owns the model. */
export function watchedFiles(files: ModelFiles, progress: ByteProgress, what: string): ModelFiles {
  const { source, config, tensors, text } = files;
  const totalBytes = [...tensors.values()].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 4), 0);
  let doneBytes = 0;
  return {
    source,
    config,
    tensors,
    text,
    async read(name, signal) {
      const values = await files.read(name, signal);
      doneBytes += values.byteLength;
      progress.show(what, doneBytes, totalBytes);
      return values;
    },
    [Symbol.asyncDispose]: () => files[Symbol.asyncDispose](),
  };
}
