import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { detectedBackend } from '../../helpers/backend.js';
import { runCli } from '../../helpers/cli.js';
import { modelCache, needsModels } from '../../helpers/smollm2.js';

/** What a model of this size knows; it takes Neptune for the largest planet. */
const QUESTIONS = [
  ['What is the capital of France?', 'Paris'],
  ['What is the capital of Japan?', 'Tokyo'],
  ['Who wrote the play Romeo and Juliet?', 'Shakespeare'],
  ['What is the chemical formula of water?', 'H2O'],
  ['How many days are in a week?', '7 days'],
] as const;

describe.skipIf(modelCache === undefined)(needsModels, () => {
  let answers: string[] = [];
  let finishReasons: string[] = [];
  beforeAll(async () => {
    const model = join(modelCache ?? '', 'smollm2', 'SmolLM2-135M-Instruct.Q4_1.gguf');
    const prompts = QUESTIONS.flatMap(([question]) => ['--prompt', question]);
    const how = ['--temperature', '0', '--max-tokens', '14', '--backend', detectedBackend, '--json'];
    const { stdout } = await runCli(['chat', model, ...how, ...prompts]);
    const lines = stdout.trimEnd().split('\n');
    answers = lines.map((line) => JSON.parse(line).text);
    finishReasons = lines.map((line) => JSON.parse(line).finishReason);
  });

  test.each(QUESTIONS.map(([question, answer], i) => [question, answer, i] as const))(
    'verlet chat answers "%s" with %s',
    (_, answer, i) => {
      expect(answers[i]).toContain(answer);
    },
  );

  test('an answer that is over ends by itself', () => {
    expect([answers[0], finishReasons[0]]).toEqual(['The capital of France is Paris.', 'stop']);
  });
});
