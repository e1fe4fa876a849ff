import { defineConfig } from 'vitest/config';

export default defineConfig({
  oxc: { target: 'node20' },
  test: {
    include: ['tests/**/*.test.ts'],
    globalSetup: 'tests/build-addon.ts',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
