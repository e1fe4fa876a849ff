import { assign, block, branch, call, identifier, isNode, type JinjaNode, member, not } from './jinja-nodes.js';

/**
 * Makes the loops of a block those of Jinja: what an iteration printed before `break` or `continue` stays, and what it set is
 * gone in the next. The library drops the one and keeps the other.
 */
export function lowerLoops(statements: readonly JinjaNode[]): JinjaNode[] {
  return statements.flatMap((statement) => (statement.type === 'For' ? lowerLoop(statement) : [statement]));
}

function lowerLoop(loop: JinjaNode): JinjaNode[] {
  const body = block(loop, 'body');
  const stop = has(body, 'Break') ? `break ${loopNumber++}` : undefined;
  const straight = has(body, 'Continue') || stop !== undefined ? withoutJumps(body, stop) : body;
  const guarded = stop === undefined ? straight : [branch(not(member(stop, 'stop')), straight, [])];
  const own = namesIn(loop.loopvar);
  const kept = [...new Set(namesSet(body))].filter((name) => !own.includes(name) && !name.includes(' '));
  const outer = (name: string): string => `outer ${name}`;
  loop.body = [...kept.map((name) => assign(identifier(name), identifier(outer(name)))), ...guarded];
  const never = { type: 'KeywordArgumentExpression', key: identifier('stop'), value: identifier('false') };
  return [
    ...kept.map((name) => assign(identifier(outer(name)), identifier(name))),
    ...(stop === undefined ? [] : [assign(identifier(stop), call('namespace', [never]))]),
    loop,
  ];
}

/** Makes the names of the flags differ, so that a loop inside of another has its own. */
let loopNumber = 0;

/** Puts what follows a branch that may jump into the branches that do not. */
function withoutJumps(statements: readonly JinjaNode[], stop: string | undefined): JinjaNode[] {
  for (const [i, statement] of statements.entries()) {
    const before = statements.slice(0, i);
    if (statement.type === 'Continue') return before;
    if (statement.type === 'Break' && stop !== undefined) {
      return [...before, assign(member(stop, 'stop'), identifier('true'))];
    }
    if (statement.type !== 'If' || !(has([statement], 'Break') || has([statement], 'Continue'))) continue;
    const after = statements.slice(i + 1);
    const [body, alternate] = ['body', 'alternate'].map((field) =>
      withoutJumps([...block(statement, field), ...after], stop),
    );
    return [...before, branch(statement.test, body ?? [], alternate ?? [])];
  }
  return statements.slice();
}

/** Whether the jump is in the block itself or in a branch of it. */
function has(statements: readonly JinjaNode[], jump: 'Break' | 'Continue'): boolean {
  return statements.some(
    (statement) =>
      statement.type === jump ||
      (statement.type === 'If' && (has(block(statement, 'body'), jump) || has(block(statement, 'alternate'), jump))),
  );
}

/** The variables that the block sets for itself. */
function namesSet(statements: readonly JinjaNode[]): string[] {
  return statements.flatMap((statement) => {
    if (statement.type === 'Set') return namesIn(statement.assignee);
    if (statement.type !== 'If') return [];
    return [...namesSet(block(statement, 'body')), ...namesSet(block(statement, 'alternate'))];
  });
}

function namesIn(target: unknown): string[] {
  if (!isNode(target)) return [];
  if (target.type === 'Identifier') return [String(target.value)];
  return target.type === 'TupleLiteral' && Array.isArray(target.value) ? target.value.flatMap(namesIn) : [];
}
