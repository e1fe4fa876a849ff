import { beforeAll, describe, expect, test } from 'vitest';
import { generateGreedily, modelCache, needsModels, openSmollm2, promptTokens } from '../../helpers/smollm2.js';

/** What a model of this size knows; it takes Neptune for the largest planet. */
const QUESTIONS = [
  ['What is the capital of France?', 'Paris'],
  ['What is the capital of Japan?', 'Tokyo'],
  ['Who wrote the play Romeo and Juliet?', 'Shakespeare'],
  ['What is the chemical formula of water?', 'H2O'],
  ['How many days are in a week?', '7 days'],
] as const;

describe.skipIf(modelCache === undefined)(needsModels, () => {
  const answers = new Map<string, string>();
  beforeAll(async () => {
    await using model = await openSmollm2();
    const prompts = QUESTIONS.map(([question]) => promptTokens(model, question));
    for (const [i, tokens] of (await generateGreedily(model, prompts, 14)).entries())
      answers.set(QUESTIONS[i]![0], model.tokenizer.decode(tokens));
  });

  test.each(QUESTIONS)('SmolLM2 answers "%s" with %s', (question, answer) => {
    expect(answers.get(question)).toContain(answer);
  });

  test('it says that its answer is over', () => {
    expect(answers.get(QUESTIONS[0][0])).toBe('The capital of France is Paris.<|im_end|>');
  });
});
