import { assert } from '../core/errors.js';

/**
 * A seccomp filter (classic BPF over struct seccomp_data, see linux/filter.h and linux/seccomp.h) for x86-64, made without native code.
 * It is a list of what is refused, on top of bubblewrap's namespaces: new namespaces and mounts, tracing, kernel interfaces with a
 * history of holes (io_uring, bpf, userfaultfd, keys), host-wide settings, terminals, and socket families that no namespace confines.
 * Foreign architectures are killed; x32 and unknown newer calls answer ENOSYS, so that libraries fall back to older ones.
 */
export function seccompFilter(): Uint8Array {
  const filter = new Filter();
  filter.load(ARCHITECTURE).ifEqual(X86_64, 'x86-64').return(KILL);
  filter.label('x86-64').load(NUMBER);
  filter.ifAtLeast(FIRST_UNKNOWN, 'missing');
  for (const number of MISSING) filter.ifEqual(number, 'missing');
  for (const number of DENIED) filter.ifEqual(number, 'denied');
  filter.ifEqual(CLONE, 'clone').ifEqual(IOCTL, 'ioctl').ifEqual(SOCKET, 'socket').ifEqual(PERSONALITY, 'personality');
  filter.return(ALLOW);
  filter.label('clone').load(argument(0)).ifAnyBit(NEW_NAMESPACES, 'denied').return(ALLOW);
  filter.label('ioctl').load(argument(1)).ifEqual(TIOCSTI, 'denied').ifEqual(TIOCLINUX, 'denied').return(ALLOW);
  filter.label('socket').load(argument(0));
  filter
    .ifEqual(AF_UNIX, 'allowed')
    .ifEqual(AF_INET, 'allowed')
    .ifEqual(AF_INET6, 'allowed')
    .ifEqual(AF_NETLINK, 'netlink');
  filter.return(ERROR | EAFNOSUPPORT);
  filter
    .label('netlink')
    .load(argument(2))
    .ifEqual(NETLINK_ROUTE, 'allowed')
    .return(ERROR | EAFNOSUPPORT);
  filter
    .label('personality')
    .load(argument(0))
    .ifEqual(0, 'allowed')
    .ifEqual(0xffffffff, 'allowed')
    .return(ERROR | EPERM);
  filter.label('allowed').return(ALLOW);
  filter.label('denied').return(ERROR | EPERM);
  filter.label('missing').return(ERROR | ENOSYS);
  return filter.assemble();
}

// Offsets in struct seccomp_data; of an argument the low word, which holds all flags tested here.
const NUMBER = 0;
const ARCHITECTURE = 4;
const argument = (index: number): number => 16 + 8 * index;

const X86_64 = 0xc000003e;
const KILL = 0x80000000;
const ERROR = 0x00050000;
const ALLOW = 0x7fff0000;
const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;

const IOCTL = 16;
const SOCKET = 41;
const CLONE = 56;
const PERSONALITY = 135;
/** Numbers from here on were given after Linux 6.9; x32 calls have bit 30 and lie above too. */
const FIRST_UNKNOWN = 463;
/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET. */
const NEW_NAMESPACES = 0x7e020000;
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;
const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const NETLINK_ROUTE = 0;

/** io_uring_setup, _enter, _register, and clone3, whose flags lie in memory where no filter sees them. */
const MISSING = [425, 426, 427, 435];

const DENIED = [
  ...[165, 166, 155, 161, 428, 429, 430, 431, 432, 433, 442], // mount, umount2, pivot_root, chroot, open_tree … mount_setattr
  ...[272, 308], // unshare, setns
  ...[101, 310, 311, 312, 438, 440], // ptrace, process_vm_readv, _writev, kcmp, pidfd_getfd, process_madvise
  ...[321, 298, 323, 303, 304], // bpf, perf_event_open, userfaultfd, name_to_handle_at, open_by_handle_at
  ...[246, 320, 175, 176, 313], // kexec_load, kexec_file_load, init_module, delete_module, finit_module
  ...[248, 249, 250], // add_key, request_key, keyctl
  ...[159, 164, 227, 305], // adjtimex, settimeofday, clock_settime, clock_adjtime
  ...[169, 167, 168, 163, 179, 443, 103], // reboot, swapon, swapoff, acct, quotactl, quotactl_fd, syslog
  ...[170, 171, 172, 173], // sethostname, setdomainname, iopl, ioperm
  ...[300, 301], // fanotify_init, fanotify_mark
  ...[237, 238, 256, 279, 450], // mbind, set_mempolicy, migrate_pages, move_pages, set_mempolicy_home_node
  ...[447, 154, 278], // memfd_secret, modify_ldt, vmsplice
];

const LOAD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_AT_LEAST = 0x35;
const JUMP_BIT = 0x45;
const RETURN = 0x06;

/** An assembler with labels: jumps go forward, and fall through to the next instruction when their test fails. */
class Filter {
  readonly #code: { readonly opcode: number; readonly value: number; readonly target?: string }[] = [];
  readonly #labels = new Map<string, number>();

  load(offset: number): this {
    return this.#add({ opcode: LOAD, value: offset });
  }

  ifEqual(value: number, target: string): this {
    return this.#add({ opcode: JUMP_EQUAL, value, target });
  }

  ifAtLeast(value: number, target: string): this {
    return this.#add({ opcode: JUMP_AT_LEAST, value, target });
  }

  ifAnyBit(value: number, target: string): this {
    return this.#add({ opcode: JUMP_BIT, value, target });
  }

  return(value: number): this {
    return this.#add({ opcode: RETURN, value });
  }

  label(name: string): this {
    this.#labels.set(name, this.#code.length);
    return this;
  }

  /** Records of 8 bytes, little endian: u16 opcode, u8 jump if true, u8 jump if false, u32 value. */
  assemble(): Uint8Array {
    const bytes = new Uint8Array(8 * this.#code.length);
    const view = new DataView(bytes.buffer);
    for (const [index, { opcode, value, target }] of this.#code.entries()) {
      view.setUint16(8 * index, opcode, true);
      view.setUint8(8 * index + 2, target === undefined ? 0 : this.#distance(index, target));
      view.setUint32(8 * index + 4, value, true);
    }
    return bytes;
  }

  #distance(from: number, target: string): number {
    const distance = (this.#labels.get(target) ?? -1) - from - 1;
    assert(distance >= 0 && distance <= 255, `jump of ${distance} to ${target}`);
    return distance;
  }

  #add(instruction: { readonly opcode: number; readonly value: number; readonly target?: string }): this {
    this.#code.push(instruction);
    return this;
  }
}
