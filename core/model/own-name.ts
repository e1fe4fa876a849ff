/** Language models within checkpoints of several models have their tensors under one of these. */
const prefixes: readonly (readonly [prefix: string, name: string])[] = [
  ['model.language_model.', 'model.'],
  ['language_model.model.', 'model.'],
  ['language_model.lm_head.', 'lm_head.'],
];

/** The name that a language model's tensor has where it is all of its checkpoint. */
export function ownName(name: string): string {
  const found = prefixes.find(([prefix]) => name.startsWith(prefix));
  return found === undefined ? name : found[1] + name.slice(found[0].length);
}
