import { defineConfig } from 'vitest/config';

export default defineConfig({
  oxc: { target: 'node20' },
  test: {
    include: ['tests/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    maxWorkers: 2,
  },
});
