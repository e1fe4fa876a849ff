import { join } from 'node:path';
import type { RunDirectory } from '../../core/run-directory.js';
import { JsonlTracker } from '../../core/trackers/jsonl.js';
import type { ReadableTracker, ScoredRecord, TrajectoryRecord } from '../../core/trackers/record.js';
import { writeAtomically } from '../../core/write-atomically.js';
import { curveSheet } from './curves.js';
import { decodeByte, tokenDecoder } from './decode-token.js';
import { renderReport } from './render-report.js';

export interface ReportPaths {
  readonly htmlPath: string;
  readonly svgPath: string;
}

/** Writes report.html and curves.svg of the run, as far as it has come, into the directory `out`. */
export async function writeReport(directory: RunDirectory, out: string, signal: AbortSignal): Promise<ReportPaths> {
  const tracker = new JsonlTracker(directory);
  const metrics = await tracker.readMetrics();
  const trajectories = await tellingTrajectories(tracker);
  const config = await directory.readConfig();
  const paths = { htmlPath: join(out, 'report.html'), svgPath: join(out, 'curves.svg') };
  const decode = trajectories.length === 0 ? decodeByte : await tokenDecoder(config, signal);
  await writeAtomically(paths.htmlPath, renderReport({ title: directory.name, config, metrics, trajectories, decode }));
  await writeAtomically(paths.svgPath, curveSheet(metrics));
  return paths;
}

/** Of the first, the middle and the last evaluation (of training steps where nothing was evaluated): best, worst, a failure. */
export async function tellingTrajectories(tracker: ReadableTracker): Promise<TrajectoryRecord[]> {
  const evalSteps = await tracker.trajectorySteps('eval');
  const split = evalSteps.length > 0 ? 'eval' : 'train';
  const steps = evalSteps.length > 0 ? evalSteps : await tracker.trajectorySteps('train');
  const middle = steps[Math.floor((steps.length - 1) / 2)];
  const chosen = [...new Set([steps[0], middle, steps.at(-1)])].filter((step) => step !== undefined);
  const told: TrajectoryRecord[] = [];
  for (const step of chosen) told.push(...extremes(await tracker.readTrajectories(split, step)));
  return told;
}

function extremes(records: readonly TrajectoryRecord[]): TrajectoryRecord[] {
  const scored = records.filter((record): record is ScoredRecord => record.status === 'scored');
  const ranked = scored.sort((a, b) => b.reward.value - a.reward.value);
  const failed = records.find((record) => record.status === 'failed');
  return [...new Set([ranked[0], ranked.at(-1), failed])].filter((record) => record !== undefined);
}
