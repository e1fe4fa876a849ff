import type { Io } from '../command-context.js';

/** Writes what a model says: on a terminal without the control characters that could change it, elsewhere as it is. */
export function shownText(stdout: Io['stdout']): (text: string) => void {
  const isTerminal = stdout.isTTY === true;
  return (text) => void stdout.write(isTerminal ? text.replaceAll(/[^\P{Cc}\n\t]/gu, '\u{fffd}') : text);
}
