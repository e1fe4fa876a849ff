import { ConfigError } from '../../errors.js';
import { ropeSettings } from './rope-settings.js';

/** Where in a GGUF file the factors stand. */
export const ROPE_FACTORS_TENSOR = 'rope_freqs.weight';

/**
 * By what each rotary frequency is divided: [headDim / 2], for rope types `llama3` and `factors`; undefined for the others.
 * Llama 3: frequencies with wavelengths above `original / low` are divided by `factor`, those below `original / high` by 1, between them
 * the share of both follows the wavelength.
 */
export function ropeFactors(
  config: { readonly [key: string]: unknown },
  headDim: number,
  source: string,
): Float32Array | undefined {
  const { type, theta = 10_000, scaling } = ropeSettings(config, source);
  if (type === 'factors') {
    const factors = scaling.factors ?? [];
    if (factors.length !== headDim / 2)
      throw new ConfigError(`the config of ${source} has ${factors.length} rotary factors, not ${headDim / 2}`);
    return Float32Array.from(factors);
  }
  if (type !== 'llama3') return undefined;
  const {
    factor = 8,
    low_freq_factor: low = 1,
    high_freq_factor: high = 4,
    original_max_position_embeddings: original = 8192,
  } = scaling;
  return Float32Array.from({ length: headDim / 2 }, (_, i) => {
    const wavelength = 2 * Math.PI * theta ** ((2 * i) / headDim);
    if (wavelength < original / high) return 1;
    if (wavelength > original / low) return factor;
    const smooth = (original / wavelength - low) / (high - low);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}
