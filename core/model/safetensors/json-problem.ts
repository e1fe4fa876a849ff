/**
 * What makes JSON text of a file unsafe or ambiguous although it may parse: a key that stands twice in one object, the key `__proto__`,
 * more levels than `maxDepth`. Undefined when there is nothing of that kind. Throws SyntaxError for a key that is no string of JSON.
 */
export function jsonProblem(text: string, maxDepth: number): string | undefined {
  const levels: Set<string>[] = [];
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '{' || character === '[') {
      if (levels.push(new Set()) > maxDepth) return `it is nested more than ${maxDepth} levels deep`;
    } else if (character === '}' || character === ']') {
      levels.pop();
    } else if (character === '"') {
      const end = endOfString(text, at);
      const problem = isKey(text, end) ? keyProblem(text.slice(at, end), levels.at(-1)) : undefined;
      if (problem !== undefined) return problem;
      at = end - 1;
    }
  }
  return undefined;
}

/** The place behind the closing quote. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

function isKey(text: string, end: number): boolean {
  let at = end;
  while (at < text.length && ' \t\r\n'.includes(text[at] ?? '')) at++;
  return text[at] === ':';
}

function keyProblem(quoted: string, keys: Set<string> | undefined): string | undefined {
  const key = String(JSON.parse(quoted));
  const shown = JSON.stringify(key.slice(0, 200));
  if (key === '__proto__') return `it has the key ${shown}`;
  if (keys?.has(key)) return `it has the key ${shown} twice`;
  keys?.add(key);
  return undefined;
}
