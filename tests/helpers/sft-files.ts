import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const tool = {
  type: 'function',
  function: {
    name: 'add',
    description: 'Adds.',
    parameters: { type: 'object', properties: { a: { type: 'number' } } },
  },
};

/** Conversations in verl's columns, every second one with tools. */
export function conversationRows(count: number): object[] {
  return Array.from({ length: count }, (_, i) => {
    const ask = { role: 'user', content: `${i}+1?` };
    const answer = { role: 'assistant', content: `${i + 1}` };
    if (i % 2 === 0) return { messages: [ask, answer], tools: null };
    const call = { type: 'function', function: { name: 'add', arguments: { a: i } } };
    const called = { role: 'assistant', content: '', tool_calls: [call] };
    return { messages: [ask, called, { role: 'tool', content: `${i + 1}` }, answer], tools: [tool] };
  });
}

export function jsonl(rows: readonly unknown[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** Rows that a Parquet file of the fixtures holds too. */
export const parquetPath = resolve('tests/fixtures/data/sft.parquet');
export const parquetRows: unknown[] = JSON.parse(readFileSync(resolve('tests/fixtures/data/sft.json'), 'utf8'));

/** Files of a working directory: data, a config of a fresh model, one of the pretrained model in `base`. */
export const sftFiles = {
  'train.jsonl': jsonl(conversationRows(8)),
  'val.jsonl': jsonl(conversationRows(3)),
  'fresh.yaml': `
data: { trainFiles: train.jsonl, valFiles: val.jsonl, trainBatchSize: 2 }
model: { hiddenSize: 16, numHiddenLayers: 1, numAttentionHeads: 2, numKeyValueHeads: 1, headDim: 8, intermediateSize: 24 }
optimizer: { lr: 0.01 }
trainer: { totalTrainingSteps: 4, testFreq: 2 }
`,
  'pretrained.yaml': `
data: { trainFiles: train.jsonl, valFiles: val.jsonl, trainBatchSize: 2 }
model: { path: base }
optimizer: { lr: 0.01 }
trainer: { totalTrainingSteps: 4, testFreq: 2 }
`,
};
