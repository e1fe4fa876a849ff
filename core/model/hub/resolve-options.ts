export interface ResolveOptions {
  /** HF_HOME, HF_TOKEN, HF_ENDPOINT, HF_HUB_OFFLINE and MODELSCOPE_* are read from it. */
  readonly env: NodeJS.ProcessEnv;
  /** Told of files that are downloaded: bytes so far of so many. */
  onProgress?(file: string, doneBytes: number, totalBytes: number): void;
  /** Pause before the first retry; doubles with each, at most 30 s. */
  readonly backoffMs?: number;
}
