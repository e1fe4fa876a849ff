/** What a token looks like on the page. */
export type DecodeToken = (token: number) => string;

/** Tokens that are bytes as their character where it is printable, all others as their number in angle brackets. */
export function decodeByte(token: number): string {
  if (token === 0x0a) return '\u{21b5}\n';
  return token >= 0x20 && token < 0x7f ? String.fromCharCode(token) : `\u{27e8}${token}\u{27e9}`;
}
