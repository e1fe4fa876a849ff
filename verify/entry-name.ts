/** `gae gamma=1.0 lam=1.0`: a function, which some sections leave out, and its options. */
export interface EntryName {
  readonly name: string;
  readonly options: ReadonlyMap<string, string>;
}

/** Takes an entry's name apart at its blanks. Throws RangeError on a second word without `=`. */
export function parseEntryName(text: string): EntryName {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const name = words[0]?.includes('=') === false ? words[0] : '';
  const options = words.slice(name === '' ? 0 : 1).map((word): [string, string] => {
    const at = word.indexOf('=');
    if (at < 1) throw new RangeError(`cannot read '${word}': expected option=value`);
    return [word.slice(0, at), word.slice(at + 1)];
  });
  return { name, options: new Map(options) };
}

/** Throws RangeError when there is an option of another name, so that none is ignored. */
export function expectOptions({ options }: EntryName, known: readonly string[]): void {
  const unknown = [...options.keys()].find((option) => !known.includes(option));
  if (unknown !== undefined) throw new RangeError(`unknown option '${unknown}'; known: ${known.join(', ') || 'none'}`);
}

/** Throws RangeError when the entry does not have the option. */
export function textOption({ options }: EntryName, option: string): string {
  const text = options.get(option);
  if (text === undefined) throw new RangeError(`no option '${option}'`);
  return text;
}

/** Throws RangeError when the entry does not have the option or it is not a finite number. */
export function numberOption(entry: EntryName, option: string): number {
  return numberOf(textOption(entry, option));
}

/** Throws RangeError when the text is not a finite number. */
export function numberOf(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) throw new RangeError(`'${text}' is not a number`);
  return value;
}
