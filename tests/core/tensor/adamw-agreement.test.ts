import type * as tf from '@tensorflow/tfjs-core';
import { test } from 'vitest';
import { z } from 'zod';
import { AdamW } from '../../../core/tensor/adamw.js';
import { globalNorm } from '../../../core/tensor/global-norm.js';
import { withBackends } from '../../helpers/gradient.js';
import { CaseInputs, expectNear } from '../../helpers/torch-agreement.js';
import { torchCases } from '../../helpers/torch-fixture.js';

const attributes = z.strictObject({
  steps: z.int(),
  variables: z.array(z.string()),
  lr: z.number(),
  betas: z.tuple([z.number(), z.number()]),
  eps: z.number(),
  weightDecay: z.number(),
  maxNorm: z.number(),
});

withBackends(() => {
  test.each(torchCases('adamw', attributes))('AdamW takes the steps of torch.optim.AdamW: $name', async (torchCase) => {
    const { steps, variables: names, maxNorm, ...settings } = torchCase.attributes;
    using inputs = new CaseInputs(torchCase.inputs);
    const input = (name: string): tf.Variable => inputs.variables.get(name)!;
    using optimizer = new AdamW(names.map((name) => input(`${name}.start`)));
    const norms: number[] = [];
    for (let step = 0; step < steps; step++) {
      const gradients = names.map((name) => input(`${name}.gradient${step}`));
      const norm = await globalNorm(gradients);
      optimizer.apply(gradients, settings, Math.min(1, maxNorm / (norm + 1e-6)));
      norms.push(norm);
    }
    expectNear(norms, torchCase.outputs.norms!, 'norms');
    for (const [i, name] of names.entries()) {
      const { first, second } = optimizer.moments;
      const found = { variable: input(`${name}.start`), first: first[i]!, second: second[i]! };
      for (const [part, tensor] of Object.entries(found)) {
        expectNear(tensor.dataSync(), torchCase.outputs[`${name}.${part}`]!, `${name}.${part}`);
      }
    }
  });
});
