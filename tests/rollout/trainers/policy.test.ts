import { beforeAll } from 'vitest';
import { useBackend } from '../../../core/tensor/backend.js';
import { detectedBackend } from '../../helpers/backend.js';
import { openTinyEngine } from '../../helpers/tiny-engine.js';
import { trainerConformance } from './conformance.js';

beforeAll(async () => {
  await useBackend(detectedBackend);
});

trainerConformance('policy', async () => openTinyEngine(), { sharesWeights: true });
