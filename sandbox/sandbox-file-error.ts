/** A path of a sandbox that cannot be read or written; `code` says why. Whose fault it is, only the caller knows. */
export class SandboxFileError extends Error {
  override readonly name = 'SandboxFileError';
  /** `outside`: leaves the working directory; `not_a_file`: a directory, link, pipe or device, or below one that is no directory. */
  readonly code: 'outside' | 'missing' | 'not_a_file' | 'denied' | 'too_large';

  constructor(code: SandboxFileError['code'], message: string, options?: { cause: unknown }) {
    super(message, options);
    this.code = code;
  }
}
