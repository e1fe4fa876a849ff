import { ConfigError } from '../../errors.js';

/** What a person means by the name of a model that is not on this machine. */
export interface ModelId {
  readonly hub: 'huggingface' | 'modelscope';
  /** `owner/name` */
  readonly name: string;
  /** A branch, a tag or a commit; undefined for what the hub shows first. */
  readonly revision: string | undefined;
  /** The one file that is meant (GGUF), or how its name ends before `.gguf`: `Q4_K_M`. */
  readonly file: string | undefined;
}

const PREFIXES = { hf: 'huggingface', huggingface: 'huggingface', modelscope: 'modelscope', ms: 'modelscope' } as const;
const FORM = /^(?:(hf|huggingface|modelscope|ms):(?:\/\/)?)?([\w.-]+\/[\w.-]+)(?:@([^@:\s]+))?(?::([^:@\s]+))?$/;

/**
 * Reads `[hf:|modelscope:]owner/name[@revision][:file.gguf]`; undefined for what has another form. A name without prefix means
 * `defaultHub`. Throws ConfigError for a revision or a file that no repository can have.
 */
export function parseModelId(text: string, defaultHub: ModelId['hub']): ModelId | undefined {
  const [, prefix, name, revision, file] = FORM.exec(text) ?? [];
  if (name === undefined || !isName(name)) return undefined;
  if (revision !== undefined && !isPlainPath(revision)) {
    throw new ConfigError(`${text} has the revision ${revision}: write a branch, a tag or a commit`);
  }
  if (file !== undefined && !isPlainPath(file)) {
    throw new ConfigError(`${text} has the file ${file}: write its name as the repository has it`);
  }
  return { hub: isPrefix(prefix) ? PREFIXES[prefix] : defaultHub, name, revision, file };
}

/** True for a path that stays in the folder it is joined to, on every system: no `..`, root, drive or backslash. */
export function isPlainPath(path: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
  if (/[\\:\u0000-\u001f]/.test(path) || path.length > 1000) return false;
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

/** `--` stands for the slash in the names of cache folders. */
function isName(name: string): boolean {
  const parts = name.split('/');
  return name.length <= 200 && !/--|\.\./.test(name) && parts.every((part) => !/^[.-]|[.-]$/.test(part));
}

function isPrefix(prefix: string | undefined): prefix is keyof typeof PREFIXES {
  return prefix !== undefined && prefix in PREFIXES;
}
