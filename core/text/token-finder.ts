import type { AddedToken } from './added-tokens.js';

/** A stretch of text: ordinary, or what one added token takes of it. */
export type TextPart = { readonly text: string; readonly token?: AddedToken };

/** A node of the tree of names: what may follow, and the token whose name ends here. */
interface Node {
  readonly next: Map<number, Node>;
  token?: AddedToken;
}

/** Finds the names of tokens in texts: leftmost first, of those the longest. */
export class TokenFinder {
  readonly #root: Node = { next: new Map() };

  /** Looks for `nameOf(token)`, which must not be empty. */
  constructor(tokens: Iterable<AddedToken>, nameOf: (token: AddedToken) => string = (token) => token.name) {
    for (const token of tokens) {
      let node = this.#root;
      const name = nameOf(token);
      for (let i = 0; i < name.length; i++) {
        const unit = name.charCodeAt(i);
        const next: Node = node.next.get(unit) ?? { next: new Map() };
        node.next.set(unit, next);
        node = next;
      }
      node.token ??= token;
    }
  }

  /** The parts of the text in order; joined they are the text; none is empty. */
  split(text: string): TextPart[] {
    const parts: TextPart[] = [];
    const root = this.#root.next;
    let start = 0;
    for (let at = 0; at < text.length; ) {
      const found = root.has(text.charCodeAt(at)) ? this.#longest(text, at) : undefined;
      const range = found === undefined ? undefined : taken(text, { start, at, end: found.end }, found.token);
      if (found === undefined || range === undefined) {
        at++;
        continue;
      }
      if (range.start > start) parts.push({ text: text.slice(start, range.start) });
      parts.push({ text: text.slice(range.start, range.end), token: found.token });
      start = range.end;
      at = range.end;
    }
    if (start < text.length) parts.push({ text: text.slice(start) });
    return parts;
  }

  #longest(text: string, at: number): { token: AddedToken; end: number } | undefined {
    let longest: { token: AddedToken; end: number } | undefined;
    let node = this.#root.next.get(text.charCodeAt(at));
    for (let end = at + 1; node !== undefined; end++) {
      if (node.token !== undefined) longest = { token: node.token, end };
      node = end < text.length ? node.next.get(text.charCodeAt(end)) : undefined;
    }
    return longest;
  }
}

/** What the token takes of the text; undefined where it wants to stand alone and does not. */
function taken(
  text: string,
  place: { readonly start: number; readonly at: number; readonly end: number },
  token: AddedToken,
): { start: number; end: number } | undefined {
  let { at, end } = place;
  if (
    token.isSingleWord &&
    (/[\p{L}\p{N}_]$/u.test(text.slice(Math.max(at - 2, 0), at)) || /^[\p{L}\p{N}_]/u.test(text.slice(end, end + 2)))
  ) {
    return undefined;
  }
  if (token.stripsLeft) while (at > place.start && /\s/.test(text.charAt(at - 1))) at--;
  if (token.stripsRight) while (end < text.length && /\s/.test(text.charAt(end))) end++;
  return { start: at, end };
}
