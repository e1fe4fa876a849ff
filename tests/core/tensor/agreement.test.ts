import * as tf from '@tensorflow/tfjs-core';
import { describe, test } from 'vitest';
import { z } from 'zod';
import { rotaryFrequencies } from '../../../core/model/rotary-frequencies.js';
import { accumulate } from '../../../core/tensor/accumulate.js';
import { attention } from '../../../core/tensor/attention.js';
import { embedding } from '../../../core/tensor/embedding.js';
import { geglu } from '../../../core/tensor/geglu.js';
import { globalNorm } from '../../../core/tensor/global-norm.js';
import { linear } from '../../../core/tensor/linear.js';
import { linearLogProbs } from '../../../core/tensor/linear-log-probs.js';
import { rmsNorm } from '../../../core/tensor/rms-norm.js';
import { rotary, rotaryTable } from '../../../core/tensor/rotary.js';
import { swiglu } from '../../../core/tensor/swiglu.js';
import { withBackends } from '../../helpers/gradient.js';
import { CaseInputs, expectAgreement, expectNear } from '../../helpers/torch-agreement.js';
import { attentionAttributes, torchCases } from '../../helpers/torch-fixture.js';

const none = z.strictObject({});

withBackends(() => {
  describe('values and gradients are those of PyTorch in float64', () => {
    test.each(torchCases('mat-mul', z.strictObject({ transposeA: z.boolean(), transposeB: z.boolean() })))(
      'tf.matMul $name',
      (torchCase) => {
        const { transposeA, transposeB } = torchCase.attributes;
        expectAgreement(torchCase, (x) => ({ y: tf.matMul(x.any('a'), x.any('b'), transposeA, transposeB) }));
      },
    );

    test.each(torchCases('linear', none))('linear $name', (torchCase) => {
      const bias = (x: CaseInputs) => (x.has('bias') ? x.vector('bias') : undefined);
      expectAgreement(torchCase, (x) => ({ y: linear(x.matrix('x'), x.matrix('weight'), bias(x)) }));
    });

    test.each(torchCases('rms-norm', z.strictObject({ eps: z.number(), offset: z.number().default(0) })))(
      'rmsNorm $name',
      (torchCase) => {
        const { eps, offset } = torchCase.attributes;
        expectAgreement(torchCase, (x) => ({ y: rmsNorm(x.matrix('x'), x.vector('weight'), eps, offset) }));
      },
    );

    test.each(torchCases('rotary', z.strictObject({ maxPositions: z.int(), theta: z.number() })))(
      'rotary $name',
      (torchCase) => {
        const { maxPositions, theta } = torchCase.attributes;
        expectAgreement(torchCase, (inputs) => {
          const x = inputs.cube('x');
          return {
            y: rotary(
              x,
              rotaryTable(maxPositions, rotaryFrequencies(x.shape[2], { theta })),
              inputs.vector('positions'),
            ),
          };
        });
      },
    );

    test.each(torchCases('swiglu', none))('swiglu $name', (torchCase) => {
      expectAgreement(torchCase, (x) => ({ y: swiglu(x.matrix('gate'), x.matrix('up')) }));
    });

    test.each(torchCases('geglu', none))('geglu $name', (torchCase) => {
      expectAgreement(torchCase, (x) => ({ y: geglu(x.matrix('gate'), x.matrix('up')) }));
    });

    test.each(torchCases('embedding', none))('embedding $name', (torchCase) => {
      expectAgreement(torchCase, (x) => ({ y: embedding(x.matrix('table'), x.vector('tokens')) }));
    });

    test.each(torchCases('attention', attentionAttributes))('attention $name', (torchCase) => {
      const { offsets, ...rules } = torchCase.attributes;
      const bounds = Int32Array.from(offsets);
      expectAgreement(torchCase, (x) => ({ y: attention(x.cube('q'), x.cube('k'), x.cube('v'), bounds, rules) }));
    });

    test.each(
      torchCases('linear-log-probs', z.strictObject({ temperature: z.number(), softcap: z.number().default(0) })),
    )('linearLogProbs $name', (torchCase) => {
      const rules = torchCase.attributes;
      expectAgreement(torchCase, (x) => ({
        ...linearLogProbs(x.matrix('x'), x.matrix('weight'), x.vector('targets'), rules),
      }));
    });
  });

  test.each(torchCases('accumulate', none))('accumulate makes the sum of PyTorch: $name', (torchCase) => {
    expectAgreement(torchCase, (inputs) => {
      const [sum, addend] = [inputs.variables.get('sum'), inputs.any('addend')];
      if (sum === undefined) throw new Error('the fixture has no sum');
      accumulate(sum, addend);
      return { sum };
    });
  });

  test.each(torchCases('global-norm', none))('globalNorm is the total norm of PyTorch: $name', async (torchCase) => {
    using inputs = new CaseInputs(torchCase.inputs);
    const norm = await globalNorm([...inputs.variables.values()]);
    expectNear([norm], torchCase.outputs.norm!, 'norm');
  });
});
