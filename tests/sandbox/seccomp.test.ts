import { expect, test } from 'vitest';
import { seccompFilter } from '../../sandbox/seccomp.js';

const X86_64 = 0xc000003e;
const ALLOW = 0x7fff0000;
const KILL = 0x80000000;
const errno = (number: number): number => 0x00050000 | number;

/** Runs the filter as the kernel does (classic BPF), on a call with 32-bit arguments. */
function verdict(number: number, args: readonly number[] = [], architecture = X86_64): number {
  const view = new DataView(seccompFilter().buffer);
  const data = new Map([[0, number], [4, architecture], ...args.map((value, i) => [16 + 8 * i, value] as const)]);
  let accumulator = 0;
  for (let at = 0; ; at += 8) {
    const [opcode, jumpTrue, value] = [view.getUint16(at, true), view.getUint8(at + 2), view.getUint32(at + 4, true)];
    if (opcode === 0x06) return value;
    if (opcode === 0x20) accumulator = data.get(value) ?? 0;
    else if (opcode === 0x15) at += accumulator === value ? 8 * jumpTrue : 0;
    else if (opcode === 0x35) at += accumulator >= value ? 8 * jumpTrue : 0;
    else if (opcode === 0x45) at += (accumulator & value) !== 0 ? 8 * jumpTrue : 0;
    else throw new Error(`opcode ${opcode}`);
  }
}

test('ordinary calls are allowed: read, execve, fork by clone, threads', () => {
  const THREAD = 0x3d0f00;
  expect([verdict(0), verdict(59), verdict(56, [17]), verdict(56, [THREAD])]).toEqual([ALLOW, ALLOW, ALLOW, ALLOW]);
});

test('another architecture is killed', () => {
  expect(verdict(0, [], 0x40000003)).toBe(KILL);
});

test('clone with any namespace flag is refused', () => {
  const flags = [0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000];
  expect(flags.map((flag) => verdict(56, [flag | 17]))).toEqual(flags.map(() => errno(1)));
});

test('calls newer than the list, of x32, and clone3 do not exist', () => {
  expect([463, 0x40000000, 0xffffffff, 435].map((number) => verdict(number))).toEqual(Array(4).fill(errno(38)));
});

test('sockets are unix, internet and route netlink', () => {
  const route = verdict(41, [16, 3, 0]);
  const audit = verdict(41, [16, 3, 9]);
  expect([1, 2, 10].map((family) => verdict(41, [family]))).toEqual([ALLOW, ALLOW, ALLOW]);
  expect([route, audit, verdict(41, [40])]).toEqual([ALLOW, errno(97), errno(97)]);
});

test('typing into a terminal is refused, other terminal calls are not', () => {
  expect([verdict(16, [0, 0x5412]), verdict(16, [0, 0x541c]), verdict(16, [0, 0x5401])]).toEqual([
    errno(1),
    errno(1),
    ALLOW,
  ]);
});
