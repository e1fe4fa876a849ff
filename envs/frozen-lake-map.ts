import type { Rng } from '../core/rng.js';

export const MOVES = ['Up', 'Down', 'Left', 'Right'] as const;
export type Move = (typeof MOVES)[number];

/** A square lake, its tiles row by row: `_` frozen, `O` hole, `G` goal. The player stands on one of them. */
export interface Lake {
  readonly size: number;
  readonly tiles: string;
  readonly position: number;
}

export interface LakeOptions {
  readonly size: number;
  /** Share of frozen tiles. */
  readonly density: number;
  /** Where start and goal lie: top left and bottom right, or anywhere. */
  readonly ends: 'corners' | 'random';
  /** The longest way there may be. */
  readonly maxSteps: number;
}

/** A random lake, or undefined where its goal cannot be reached in `maxSteps` steps. */
export function drawLake(rng: Rng, { size, density, ends, maxSteps }: LakeOptions): Lake | undefined {
  const area = size * size;
  const position = ends === 'corners' ? 0 : rng.int(area);
  const goal = ends === 'corners' ? area - 1 : (position + 1 + rng.int(area - 1)) % area;
  const tile = (i: number): string => (rng.float() < density || i === position ? '_' : 'O');
  const tiles = Array.from({ length: area }, (_, i) => (i === goal ? 'G' : tile(i))).join('');
  const lake = { size, tiles, position };
  return (stepsToGoal(lake)[position] ?? Infinity) <= maxSteps ? lake : undefined;
}

/** The lake as lines of text, `P` where the player stands: equal lakes, equal text. */
export function renderLake({ size, tiles, position }: Lake): string {
  const shown = `${tiles.slice(0, position)}P${tiles.slice(position + 1)}`;
  return Array.from({ length: size }, (_, row) => shown.slice(row * size, (row + 1) * size)).join('\n');
}

/** Reads what `renderLake` wrote while the player stood on a frozen tile. */
export function parseLake(text: string): Lake {
  const rows = text.split('\n');
  const shown = rows.join('');
  return { size: rows.length, tiles: shown.replace('P', '_'), position: shown.indexOf('P') };
}

/** Where the move leads from `position`; at the edge it leads nowhere. */
export function destination({ size }: Pick<Lake, 'size'>, position: number, move: Move): number {
  const column = position % size;
  if (move === 'Up') return position >= size ? position - size : position;
  if (move === 'Down') return position + size < size * size ? position + size : position;
  if (move === 'Left') return column > 0 ? position - 1 : position;
  return column < size - 1 ? position + 1 : position;
}

/** Fewest steps from each tile to the goal; Infinity from holes and where no way leads. */
export function stepsToGoal(lake: Pick<Lake, 'size' | 'tiles'>): number[] {
  const goal = lake.tiles.indexOf('G');
  const steps = Array.from(lake.tiles, () => Infinity);
  steps[goal] = 0;
  const queue = [goal];
  for (const position of queue) {
    const next = (steps[position] ?? 0) + 1;
    for (const move of MOVES) {
      const neighbour = destination(lake, position, move);
      if (lake.tiles[neighbour] === 'O' || steps[neighbour] !== Infinity) continue;
      steps[neighbour] = next;
      queue.push(neighbour);
    }
  }
  return steps;
}
