import { describe, expect, it } from 'vitest';
import { Rng } from '../../core/rng.js';
import { destination, drawLake, MOVES, parseLake, renderLake, stepsToGoal } from '../../envs/frozen-lake-map.js';

const options = { size: 4, density: 0.9, ends: 'random' as const, maxSteps: 12 };

describe('a lake', () => {
  it('is the text of its tiles with the player on one of them, and is read back from it', () => {
    const lake = { size: 3, tiles: '__O_O___G', position: 3 };
    expect(renderLake(lake)).toBe('__O\nPO_\n__G');
    expect(parseLake('__O\nPO_\n__G')).toEqual(lake);
  });

  it('stops the player at its edges', () => {
    const ends = (position: number) => MOVES.map((move) => destination({ size: 3 }, position, move));
    expect(ends(0)).toEqual([0, 3, 0, 1]);
    expect(ends(4)).toEqual([1, 7, 3, 5]);
    expect(ends(8)).toEqual([5, 8, 7, 8]);
  });

  it('knows the shortest way round its holes, and where there is none', () => {
    const shown = (tiles: string) => stepsToGoal({ size: 3, tiles });
    expect(shown('____O___G')).toEqual([4, 3, 2, 3, Infinity, 1, 2, 1, 0]);
    expect(shown('__O_OO_OG')).toEqual([...Array(8).fill(Infinity), 0]);
  });

  it('drawn at random has one goal and the asked share of holes, or is not drawn', () => {
    const rng = new Rng(1);
    const lakes = Array.from({ length: 2000 }, () => drawLake(rng, { ...options, density: 0.6 }));
    const drawn = lakes.filter((lake) => lake !== undefined);
    const holes = drawn.map(({ tiles }) => tiles.split('O').length - 1);
    expect(drawn.every(({ tiles, position }) => tiles.split('G').length === 2 && tiles[position] === '_')).toBe(true);
    expect(drawn.length).toBeGreaterThan(1000);
    expect(drawn.length).toBeLessThan(1900);
    expect(holes.reduce((sum, count) => sum + count) / drawn.length).toBeGreaterThan(4);
  });

  it('of corners starts at the top left and ends at the bottom right', () => {
    const lake = drawLake(new Rng(1), { ...options, ends: 'corners', density: 1 });
    expect(lake && renderLake(lake)).toBe('P___\n____\n____\n___G');
  });
});
