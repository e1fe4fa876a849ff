/** Kills a process, or with a negative id a process group; one that is gone or not ours is left alone. */
export function kill(id: number): void {
  try {
    process.kill(id, 'SIGKILL');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}
