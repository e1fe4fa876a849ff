import { beforeAll } from 'vitest';
import { useBackend } from '../../../core/tensor/backend.js';
import { detectedBackend } from '../../helpers/backend.js';
import { openTinyEngine } from '../../helpers/tiny-engine.js';
import { engineConformance } from './conformance.js';

beforeAll(async () => {
  await useBackend(detectedBackend);
});

engineConformance('local over a real policy', async () => openTinyEngine());
