/**
 * Random numbers from a 32-bit key: equal key, equal stream, on every machine.
 * Generator: splitmix32-style counter hash with the finaliser of MurmurHash3 (public domain constants); not for secrets.
 */
export class Rng {
  #state: number;

  constructor(key: number) {
    this.#state = key >>> 0;
  }

  /** Uniform in [0, 1) with 53 random bits. */
  float(): number {
    return (this.#next() * 2 ** 21 + (this.#next() >>> 11)) / 2 ** 53;
  }

  /** Uniform integer in [0, bound). */
  int(bound: number): number {
    return Math.floor(this.float() * bound);
  }

  /** Standard normal (Box-Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.float())) * Math.cos(2 * Math.PI * this.float());
  }

  #next(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    return mix(this.#state);
  }
}

/** One 32-bit key from several parts, so that streams are named by what they are for: rngKey(seed, 'rollout', step, task). */
export function rngKey(...parts: readonly (number | string)[]): number {
  let key = 0x811c9dc5;
  for (const part of parts) {
    const text = `${part}\u0000`;
    for (let i = 0; i < text.length; i++) key = Math.imul(key ^ text.charCodeAt(i), 0x01000193);
    key = mix(key >>> 0);
  }
  return key;
}

function mix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
