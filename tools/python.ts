import { z } from 'zod';
import type { ExecResult } from '../core/types.js';
import { defineTool } from './define-tool.js';
import type { Tool, ToolResult } from './tool.js';

/** Limits of the python tool. */
export const pythonOptions = z.strictObject({
  timeoutMs: z.int().min(100).max(600_000).default(5000).describe('time a program may run, in milliseconds'),
  maxOutputBytes: z
    .int()
    .min(64)
    .max(1_048_576)
    .default(4096)
    .describe('bytes of output, and of the error message, the model gets to read'),
});

const input = z.strictObject({
  code: z.string().describe('A complete Python 3 program. Only what it prints is returned.'),
});

/** Time beyond the program's own for starting it, the wait for a free slot included: running out of it is the machine's trouble. */
const START_MS = 60_000;
/** Output kept beyond what the model gets: shows that there was more, and holds the end of an error message. */
const SPARE_BYTES = 65_536;
const ERROR_LINES = 10;

/** A tool that runs Python programs in the episode's sandbox: files stay between calls, variables do not. */
export function pythonTool(options: z.input<typeof pythonOptions> = {}): Tool<z.output<typeof input>> {
  const { timeoutMs, maxOutputBytes } = pythonOptions.parse(options);
  return defineTool({
    name: 'python',
    description: 'Runs a Python 3 program and returns what it prints. Variables are not kept between calls, files are.',
    input,
    timeoutMs: timeoutMs + START_MS,
    async execute({ code }, { signal, sandbox }) {
      const place = await sandbox();
      const limits = { timeoutMs, maxOutputBytes: maxOutputBytes + SPARE_BYTES };
      const end = await place.exec(['python3', '-I', '-S', '-u', '-'], { ...limits, stdin: code }, signal);
      return toResult(end, timeoutMs, maxOutputBytes);
    },
  });
}

/** The python tool with its default limits. */
export const python: Tool<z.output<typeof input>> = pythonTool();

function toResult(end: ExecResult, timeoutMs: number, maxBytes: number): ToolResult {
  const output = firstBytes(end.stdout.trimEnd(), maxBytes);
  if (end.timedOut) return { content: joined(output, timedOut(timeoutMs)), isError: true, isTimeout: true };
  if (end.exitCode === 0) return { content: output || '(no output)' };
  return { content: joined(output, lastBytes(errorOf(end), maxBytes)), isError: true };
}

function joined(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('\n');
}

function timedOut(timeoutMs: number): string {
  return `The program did not finish within ${timeoutMs / 1000} s and was stopped.`;
}

/** The end of the error message, where Python says what went wrong. */
function errorOf({ stderr, exitCode }: ExecResult): string {
  const lines = stderr.trimEnd().split('\n').slice(-ERROR_LINES).join('\n');
  if (lines !== '') return lines;
  return exitCode === null ? 'The program was killed.' : `The program ended with exit code ${exitCode}.`;
}

function firstBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  const kept = new TextDecoder().decode(bytes.subarray(0, maxBytes), { stream: true });
  return `${kept}\n[output cut: only its first ${maxBytes} bytes are shown]`;
}

/** Starts at a whole character: UTF-8 continuation bytes at the cut are left out. */
function lastBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  let start = bytes.length - maxBytes;
  while (((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return `[error cut: only its last ${maxBytes} bytes are shown]\n${bytes.subarray(start).toString()}`;
}
