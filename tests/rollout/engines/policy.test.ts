import { beforeAll } from 'vitest';
import { useBackend } from '../../../core/tensor/backend.js';
import { openTinyEngine } from '../../helpers/tiny-engine.js';
import { engineConformance } from './conformance.js';

beforeAll(async () => {
  await useBackend('wasm');
});

engineConformance('local over a real policy', async () => openTinyEngine());
