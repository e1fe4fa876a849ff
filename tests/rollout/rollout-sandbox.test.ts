import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InfrastructureError } from '../../core/errors.js';
import type { Sandbox, SandboxProvider } from '../../core/types.js';
import { defineEnv } from '../../envs/define-env.js';
import { LazySandbox } from '../../rollout/lazy-sandbox.js';
import { rollout } from '../../rollout/rollout.js';
import { sandboxConfig } from '../../sandbox/config.js';
import { openSandboxProvider } from '../../sandbox/open-sandbox-provider.js';
import { python } from '../../tools/python.js';
import { callText, never, play, playScored, request } from './episode-fixture.js';

let real: SandboxProvider;

beforeAll(async () => {
  real = (await openSandboxProvider(sandboxConfig.parse({ name: 'process' }), never)).provider;
});
afterAll(() => real[Symbol.asyncDispose]());

/** Hands on to real sandboxes and counts them; `onExec` runs before each program. */
class Counted implements SandboxProvider {
  readonly name = 'counted';
  made = 0;
  live = 0;
  readonly #onExec: () => void;

  constructor(onExec: () => void = () => {}) {
    this.#onExec = onExec;
  }

  async create(signal: AbortSignal): Promise<Sandbox> {
    const sandbox = await real.create(signal);
    this.made++;
    this.live++;
    return {
      exec: (argv, options, signal) => {
        this.#onExec();
        return sandbox.exec(argv, options, signal);
      },
      readFile: (path, signal) => sandbox.readFile(path, signal),
      writeFile: (path, contents, signal) => sandbox.writeFile(path, contents, signal),
      [Symbol.asyncDispose]: async () => {
        this.live--;
        await sandbox[Symbol.asyncDispose]();
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

const run = (code: string): string => callText('python', { code });
const config = { maxTurnTokens: 500, maxResponseTokens: 1000, maxContext: 4000 };

describe('the sandbox of an episode', () => {
  it('is never made when no tool asks for it', async () => {
    const sandboxProvider = new Counted();
    await playScored({ script: ['yes'], tools: [python], sandboxProvider });
    expect(sandboxProvider.made).toBe(0);
  });

  it('is one for all calls and gone after the last turn', async () => {
    const sandboxProvider = new Counted();
    const script = [run('open("a", "w").write("7")'), `${run('print(open("a").read())')}${run('print(6 * 7)')}`, 'yes'];
    const trajectory = await playScored({ script, tools: [python], sandboxProvider, config });
    expect(trajectory.messages.filter(({ role }) => role === 'tool').map(({ content }) => content)).toEqual([
      '(no output)',
      '7',
      '42',
    ]);
    expect(sandboxProvider).toMatchObject({ made: 1, live: 0 });
  });

  it('that dies fails the episode and leaves none', async () => {
    const sandboxProvider = new Counted(() => {
      throw new InfrastructureError('sandbox_died', 'killed', { retryable: true });
    });
    const outcome = await play({ script: [run('print(1)')], tools: [python], sandboxProvider, config });
    expect(outcome).toEqual({ status: 'failed', error: { code: 'sandbox_died', message: 'killed', retryable: true } });
    expect(sandboxProvider).toMatchObject({ made: 1, live: 0 });
  });

  it('does not outlive an abort in the middle of a program', async () => {
    const controller = new AbortController();
    const sandboxProvider = new Counted(() => setImmediate(() => controller.abort(new Error('enough'))));
    const episode = request({ script: [run('while True: pass')], tools: [python], sandboxProvider, config });
    expect(await rollout(episode, controller.signal)).toEqual({ status: 'cancelled', reason: 'Error: enough' });
    expect(sandboxProvider).toMatchObject({ made: 1, live: 0 });
  });

  it('does not outlive the deadline, after which scoring may make use of it', async () => {
    const definition = defineEnv({
      name: 'files',
      tools: [python],
      task: () => ({ data: null }),
      prompt: () => 'go',
      rewards: {
        wrote: {
          weight: 1,
          score: async (_, { sandbox, signal }) => Number(await (await sandbox()).readFile('a', signal)),
        },
      },
    });
    const sandboxProvider = new Counted();
    const script = [run('f = open("a", "w"); f.write("7"); f.close()\nwhile True: pass')];
    const options = { definition, script, sandboxProvider, config: { ...config, episodeDeadlineMs: 1500 } };
    expect(await playScored(options)).toMatchObject({ stopReason: 'deadline', reward: { value: 7 } });
    expect(sandboxProvider).toMatchObject({ made: 1, live: 0 });
  });
});

describe('LazySandbox', () => {
  it('waits for a sandbox that is still being made and removes it', async () => {
    const provider = new Counted();
    const lazy = new LazySandbox(provider);
    const making = lazy.get(never);
    await lazy[Symbol.asyncDispose]();
    await making;
    expect(provider).toMatchObject({ made: 1, live: 0 });
    await expect(lazy.get(never)).rejects.toMatchObject({ code: 'episode_over' });
  });

  it('tries again after it could not be made', async () => {
    let failures = 1;
    const provider: SandboxProvider = {
      name: 'second time lucky',
      create: (signal) => (failures-- > 0 ? Promise.reject(new Error('no')) : real.create(signal)),
      async [Symbol.asyncDispose]() {},
    };
    await using lazy = new LazySandbox(provider);
    await expect(lazy.get(never)).rejects.toThrow('no');
    expect(await lazy.get(never)).toBe(await lazy.get(never));
  });
});
