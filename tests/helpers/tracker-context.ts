import type { TrackersContext } from '../../core/trackers/open-trackers.js';

/** A run's context for trackers; `lines` collects what the console tracker writes. */
export function trackersContext(directory: string, changes: Partial<TrackersContext> = {}) {
  const lines: string[] = [];
  const context: TrackersContext = {
    directory,
    runName: 'sum-1',
    projectName: 'arithmetic',
    config: { optimizer: { lr: 1e-3, betas: [0.9, 0.99] }, name: 'sum', notes: '' },
    env: {},
    startedAt: new Date('2026-01-02T03:04:05Z'),
    stream: { write: (text) => lines.push(text) },
    ...changes,
  };
  return { context, lines };
}
