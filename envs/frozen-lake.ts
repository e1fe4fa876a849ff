import { z } from 'zod';
import { Rng, rngKey } from '../core/rng.js';
import type { Message } from '../core/types.js';
import { taggedAnswer } from './answer-tag.js';
import { defineEnv } from './define-env.js';
import {
  destination,
  drawLake,
  type Lake,
  MOVES,
  type Move,
  parseLake,
  renderLake,
  stepsToGoal,
} from './frozen-lake-map.js';
import { splitProblems } from './split-problems.js';

const options = z.strictObject({
  size: z.int().min(2).max(12).default(4).describe('rows and columns of the lake'),
  density: z.number().min(0.3).max(1).default(0.9).describe('share of frozen tiles; the rest are holes'),
  ends: z
    .enum(['corners', 'random'])
    .default('random')
    .describe('where the player starts and the goal lies: top left and bottom right, or anywhere'),
  isSlippery: z.boolean().default(false).describe('a step may slide to one of the two sides instead'),
  successProbability: z.number().min(0).max(1).default(0.8).describe('how often a step on slippery ice goes as wanted'),
  maxSteps: z.int().min(1).max(1000).default(12).describe('steps after which the task has failed; no lake needs more'),
  moves: z.enum(['letters', 'words']).default('letters').describe('U D L R, or Up Down Left Right'),
  movesPerTurn: z.int().min(1).max(1000).default(1).describe('moves that may be answered in one turn'),
  stepPenalty: z.number().min(0).max(1).default(0).describe('what a step costs, at once'),
  invalidPenalty: z.number().min(0).max(1).default(0.1).describe('what an answer that is no move costs, at once'),
  instructions: z
    .boolean()
    .default(false)
    .describe('explain the game in a system message; tiny policies do without to keep contexts short'),
  teacher: z
    .strictObject({ errorRate: z.number().min(0).max(1).default(0.3).describe('how often a move is a mistake') })
    .prefault({})
    .describe('the scripted, imperfect teacher of the warm start'),
});

type Options = z.infer<typeof options>;

interface Walk {
  lake: Lake;
  /** The moves wanted so far. */
  moves: readonly Move[];
  invalid: number;
}

/** A lake and what names its slides. */
type Problem = { readonly grid: string; readonly slideKey: number };

const problemOf = splitProblems<Options, Problem>({
  name: 'frozen_lake',
  draw(rng, options) {
    const lake = drawLake(rng, options);
    return lake && { grid: renderLake(lake), slideKey: rng.int(2 ** 32) };
  },
  // Eval may repeat a lake: small lakes are few, and without repetition those with many holes would be too common.
  identity: ({ grid, slideKey }) => `${grid} ${slideKey}`,
  // Without the player: on the way through a train lake no eval lake comes up.
  splitKey: ({ grid }) => grid.replace('P', '_'),
  remedy: 'raise env.size or env.density',
});

/**
 * Gymnasium's FrozenLake as text, after RAGEN (arXiv:2504.20073): each turn shows the lake, the answer is where to step.
 * 1 at the goal, else 0, less penalties, which come with their turns. Slides are drawn by task and moves alone.
 */
export const frozenLake = defineEnv({
  name: 'frozen_lake',
  description: 'A walk to the goal over a frozen lake with holes, one turn a step.',
  options,
  task: (request) => ({ data: problemOf(request) }),
  state: (task): Walk => ({ lake: parseLake(task.data.grid), moves: [], invalid: 0 }),
  prompt: (task, options) => [...(options.instructions ? [instructions(options)] : []), user(task.data.grid)],
  async step(action, { task, state, options, answerCalls }) {
    if (action.toolCalls.length + action.parseErrors.length > 0) {
      const { messages, toolCalls } = await answerCalls();
      return { messages: [...messages, user(renderLake(state.lake))], toolCalls, terminated: false, reward: 0 };
    }
    const moves = action.isComplete ? readMoves(action.content, options) : undefined;
    if (moves === undefined) {
      state.invalid++;
      const content = `${howToAnswer(options)}\n${renderLake(state.lake)}`;
      return { messages: [user(content)], toolCalls: [], terminated: false, reward: 0 - options.invalidPenalty };
    }
    const before = state.moves.length;
    for (const move of moves) if (!isOver(state, options)) walk(state, move, { ...options, ...task.data });
    const terminated = isOver(state, options);
    const reward = 0 - options.stepPenalty * (state.moves.length - before);
    return { messages: terminated ? [] : [user(renderLake(state.lake))], toolCalls: [], terminated, reward };
  },
  pred: () => '',
  rewards: {
    correct: { weight: 1, score: ({ state }) => (tileOf(state) === 'G' ? 1 : 0) },
    steps: { weight: 0, score: ({ state }) => state.moves.length },
    invalid: { weight: 0, score: ({ state }) => state.invalid },
  },
  demonstrate: ({ messages, rng }, options) => ({ role: 'assistant', content: teach(messages, rng, options) }),
});

function user(content: string): Message {
  return { role: 'user', content };
}

function instructions(options: Options): Message {
  const slides = options.isSlippery ? ' The ice is slippery: a step may slide sideways.' : '';
  const content =
    `You are P on a frozen lake. Walk over frozen tiles (_) to the goal (G); holes (O) end the game.${slides} ` +
    `${howToAnswer(options)} If you say more than that, put the moves between <answer> and </answer>.`;
  return { role: 'system', content };
}

function howToAnswer({ moves, movesPerTurn }: Options): string {
  const names = moves === 'letters' ? 'U, D, L or R' : 'Up, Down, Left or Right';
  return movesPerTurn === 1 ? `Answer ${names}.` : `Answer ${names}, at most ${movesPerTurn}.`;
}

/** The moves named, separated by spaces, commas, bars or, as letters, nothing; undefined where anything else is said. */
function readMoves(content: string, { moves, movesPerTurn }: Options): Move[] | undefined {
  const answer = taggedAnswer(content).toLowerCase();
  const names = moves === 'letters' ? [...answer.replace(/[\s,|]+/g, '')] : answer.split(/[\s,|]+/).filter(Boolean);
  if (names.length < 1 || names.length > movesPerTurn) return undefined;
  const read = names.map((name) => MOVES.find((move) => nameOf(move, moves).toLowerCase() === name));
  return read.every((move) => move !== undefined) ? read : undefined;
}

function nameOf(move: Move, moves: Options['moves']): string {
  return moves === 'letters' ? move.slice(0, 1) : move;
}

function isOver(walk: Walk, { maxSteps }: Options): boolean {
  return tileOf(walk) !== '_' || walk.moves.length >= maxSteps;
}

function tileOf({ lake }: Walk): string | undefined {
  return lake.tiles[lake.position];
}

function walk(state: Walk, wanted: Move, options: Options & { readonly slideKey: number }): void {
  state.moves = [...state.moves, wanted];
  const move = options.isSlippery ? slide(state.moves, wanted, options) : wanted;
  state.lake = { ...state.lake, position: destination(state.lake, state.lake.position, move) };
}

/** The move wanted or, each half of the remaining probability, one at right angles to it. */
function slide(
  moves: readonly Move[],
  wanted: Move,
  { slideKey, successProbability }: Pick<Options, 'successProbability'> & { readonly slideKey: number },
): Move {
  const rng = new Rng(rngKey(slideKey, ...moves));
  if (rng.float() < successProbability) return wanted;
  const isVertical = wanted === 'Up' || wanted === 'Down';
  if (rng.int(2) === 0) return isVertical ? 'Left' : 'Up';
  return isVertical ? 'Right' : 'Down';
}

/** Moves on a shortest way, drawn anew at each of its forks; a mistake is any move that is not. */
function teach(messages: readonly Message[], rng: Rng, { size, moves, movesPerTurn, teacher }: Options): string {
  const shown = messages.findLast(({ role }) => role === 'user')?.content ?? '';
  const lake = parseLake(shown.split('\n').slice(-size).join('\n'));
  const steps = stepsToGoal(lake);
  const said: string[] = [];
  let { position } = lake;
  while (said.length < movesPerTurn && lake.tiles[position] === '_') {
    const isNearer = (move: Move): boolean =>
      (steps[destination(lake, position, move)] ?? Infinity) < (steps[position] ?? Infinity);
    const isMistake = rng.float() < teacher.errorRate;
    const choices = MOVES.filter((move) => isNearer(move) !== isMistake);
    const move = choices[rng.int(choices.length)] ?? 'Up';
    said.push(nameOf(move, moves));
    position = destination(lake, position, move);
  }
  return said.join(moves === 'letters' ? '' : ' ');
}
