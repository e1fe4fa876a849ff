import { ConfigError } from '../core/errors.js';
import { Rng, rngKey } from '../core/rng.js';
import type { TaskRequest } from './define-env.js';

/** How an environment draws its problems at random, and what tells two of them apart. */
export interface ProblemKind<Options, Problem> {
  /** The environment's. */
  readonly name: string;
  /** Undefined where the draw made no problem: it is drawn again. */
  draw(rng: Rng, options: Options): Problem | undefined;
  /** The text that differs between any two problems of the eval split. */
  identity(problem: Problem): string;
  /** The text the split is a property of, whatever seed and options; problems that help each other share it. Default: identity. */
  splitKey?(problem: Problem): string;
  /** What to change where options leave too few problems. */
  readonly remedy: string;
}

/** One in so many split keys belongs to the eval split. */
const EVAL_SHARE = 8;
/** Draws without a new problem of the split after which there is none left. */
const MAX_DRAWS = 2000;

/**
 * Problem `index` of a split, a pure function of the request. Train may repeat a problem, since each index draws on its own;
 * eval never does. No train problem is an eval problem of any seed. Throws ConfigError where there are too few.
 */
export function splitProblems<Options, Problem>(
  kind: ProblemKind<Options, Problem>,
): (request: TaskRequest<Options>) => Problem {
  // What was drawn last, so that a run of indices costs one draw each; the result does not depend on it.
  let stream: { name: string; problems: Generator<Problem, undefined>; drawn: Problem[] } | undefined;
  return (request) => {
    if (request.split === 'train') return trainProblem(kind, request);
    const { seed, index, options } = request;
    const name = JSON.stringify([seed, options]);
    if (stream?.name !== name) stream = { name, problems: distinctProblems(kind, seed, options), drawn: [] };
    while (stream.drawn.length <= index) {
      const next = stream.problems.next();
      if (next.done === true) throw tooFew(kind, stream.drawn.length);
      stream.drawn.push(next.value);
    }
    const problem = stream.drawn[index];
    if (problem === undefined) throw tooFew(kind, stream.drawn.length);
    return problem;
  };
}

function trainProblem<Options, Problem>(
  kind: ProblemKind<Options, Problem>,
  { rng, options }: TaskRequest<Options>,
): Problem {
  for (let draw = 0; draw < MAX_DRAWS; draw++) {
    const problem = kind.draw(rng, options);
    if (problem !== undefined && !isEval(kind, problem)) return problem;
  }
  throw new ConfigError(`${kind.name} has no train tasks with these options; ${kind.remedy}`);
}

/** Index i is the i-th different eval problem of a stream that seed and options name. */
function* distinctProblems<Options, Problem>(
  kind: ProblemKind<Options, Problem>,
  seed: number,
  options: Options,
): Generator<Problem, undefined> {
  const rng = new Rng(rngKey(seed, kind.name, 'eval'));
  const drawn = new Set<string>();
  for (let draw = 0; draw < MAX_DRAWS; draw++) {
    const problem = kind.draw(rng, options);
    if (problem === undefined || !isEval(kind, problem) || drawn.has(kind.identity(problem))) continue;
    drawn.add(kind.identity(problem));
    yield problem;
    draw = 0;
  }
  return undefined;
}

function isEval<Options, Problem>(kind: ProblemKind<Options, Problem>, problem: Problem): boolean {
  const key = kind.splitKey?.(problem) ?? kind.identity(problem);
  return rngKey(kind.name, 'split', key) % EVAL_SHARE === 0;
}

function tooFew({ name, remedy }: Pick<ProblemKind<unknown, unknown>, 'name' | 'remedy'>, count: number): ConfigError {
  return new ConfigError(`${name} has ${count} eval tasks with these options; ask for fewer or ${remedy}`);
}
