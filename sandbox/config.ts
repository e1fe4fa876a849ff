import { z } from 'zod';

/** Where untrusted code runs and how much it may use. */
export const sandboxConfig = z.strictObject({
  name: z
    .enum(['auto', 'bubblewrap', 'process'])
    .default('auto')
    .describe('isolation of untrusted code: auto takes bubblewrap where it works, else plain processes with a warning'),
  memoryMb: z.int().min(16).max(1_048_576).default(256).describe('address space of each process of a program, in MiB'),
  maxProcesses: z.int().min(1).max(32_768).default(64).describe('processes and threads a program may have at once'),
  maxFileMb: z.int().min(1).max(65_536).default(16).describe('largest file a program may write or hand out, in MiB'),
  concurrency: z
    .int()
    .min(0)
    .max(4096)
    .default(0)
    .describe('programs run at once, the rest waits; 0 = two for each CPU core'),
});

export type SandboxConfig = z.output<typeof sandboxConfig>;
