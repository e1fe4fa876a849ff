import * as tf from '@tensorflow/tfjs-core';
import { describe, test } from 'vitest';
import { z } from 'zod';
import { embedding } from '../../../core/tensor/embedding.js';
import { linearLogProbs } from '../../../core/tensor/linear-log-probs.js';
import { rmsNorm } from '../../../core/tensor/rms-norm.js';
import { swiglu } from '../../../core/tensor/swiglu.js';
import { withBackends } from '../../helpers/gradient.js';
import { expectAgreement } from '../../helpers/torch-agreement.js';
import { torchCases } from '../../helpers/torch-fixture.js';

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

    test.each(torchCases('rms-norm', z.strictObject({ eps: z.number() })))('rmsNorm $name', (torchCase) => {
      const { eps } = torchCase.attributes;
      expectAgreement(torchCase, (x) => ({ y: rmsNorm(x.matrix('x'), x.vector('weight'), eps) }));
    });

    test.each(torchCases('swiglu', none))('swiglu $name', (torchCase) => {
      expectAgreement(torchCase, (x) => ({ y: swiglu(x.matrix('gate'), x.matrix('up')) }));
    });

    test.each(torchCases('embedding', none))('embedding $name', (torchCase) => {
      expectAgreement(torchCase, (x) => ({ y: embedding(x.matrix('table'), x.vector('tokens')) }));
    });

    test.each(torchCases('linear-log-probs', z.strictObject({ temperature: z.number() })))(
      'linearLogProbs $name',
      (torchCase) => {
        const { temperature } = torchCase.attributes;
        expectAgreement(torchCase, (x) => ({
          ...linearLogProbs(x.matrix('x'), x.matrix('weight'), x.vector('targets'), temperature),
        }));
      },
    );
  });
});
