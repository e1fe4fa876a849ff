import { expect, test } from 'vitest';
import { DownloadProgress } from '../../cli/download-progress.js';
import { CollectingStream } from '../helpers/cli.js';

function watch(stderr: CollectingStream, isQuiet = false): { progress: DownloadProgress; clock: { ms: number } } {
  const clock = { ms: 0 };
  const io = { stderr, env: {} };
  return { progress: new DownloadProgress({ io }, { isQuiet, now: () => clock.ms }), clock };
}

test('a terminal has one line with a bar, redrawn, gone in the end', () => {
  const stderr = new CollectingStream({ isTTY: true, columns: 120 });
  const { progress, clock } = watch(stderr);
  progress.onProgress('model.safetensors', 0, 2e9);
  clock.ms = 1000;
  progress.onProgress('model.safetensors', 5e8, 2e9);
  expect(stderr.text).toContain('█████░░░░░░░░░░░░░░░  500.0 MB of 2.0 GB  500.0 MB/s, 3.0s left  model.safetensors');
  progress[Symbol.dispose]();
  expect(stderr.text.endsWith('\r\u001b[2K')).toBe(true);
  expect(stderr.text).not.toContain('\n');
});

test('a terminal is not redrawn for every chunk, nor past its width', () => {
  const stderr = new CollectingStream({ isTTY: true, columns: 30 });
  const { progress } = watch(stderr);
  for (let done = 0; done < 1000; done++) progress.onProgress('model.safetensors', done, 1000);
  const lines = stderr.text.split('\r');
  expect(lines).toHaveLength(2);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escapes have no width
  expect((lines[1] ?? '').replaceAll(/\u001b\[\d+[mK]/g, '').length).toBe(29);
});

test('elsewhere there is a line now and then, and one for all in the end', () => {
  const stderr = new CollectingStream();
  const { progress, clock } = watch(stderr);
  for (const ms of [0, 4000, 8000, 12_000, 16_000]) {
    clock.ms = ms;
    progress.onProgress('a', ms, 16_000);
  }
  progress.onProgress('b\u001b[2J', 500, 500);
  progress[Symbol.dispose]();
  expect(stderr.text).toBe(
    'downloading a: 0 B of 16.0 kB\ndownloading a: 12.0 kB of 16.0 kB\ndownloaded 16.5 kB in 16s\n',
  );
});

test('nothing is written when nothing is downloaded, or when it shall be quiet', () => {
  const [idle, quiet] = [new CollectingStream(), new CollectingStream()];
  watch(idle).progress[Symbol.dispose]();
  const { progress } = watch(quiet, true);
  progress.onProgress('a', 1, 2);
  progress[Symbol.dispose]();
  expect(idle.text + quiet.text).toBe('');
});
