import { InvalidArgumentError } from 'commander';

interface Bounds {
  readonly min: number;
  readonly max?: number;
}

/** Reads an option that is a whole number within bounds. */
export function wholeNumber({ min, max = Number.MAX_SAFE_INTEGER }: Bounds): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Write a whole number${boundsText({ min, max })}.`);
  };
}

/** Reads an option that is a number within bounds. */
export function realNumber({ min, max = Number.MAX_VALUE }: Bounds): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Write a number${boundsText({ min, max })}.`);
  };
}

function boundsText({ min, max = Number.MAX_VALUE }: Bounds): string {
  return max >= Number.MAX_SAFE_INTEGER ? ` of at least ${min}` : ` from ${min} to ${max}`;
}
