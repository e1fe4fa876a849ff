/** Run as a process of its own by tests: opens bubblewrap and runs the shell script given as argument, its output on stdout. */
import { sandboxConfig } from '../../sandbox/config.js';
import { openSandboxProvider } from '../../sandbox/open-sandbox-provider.js';

const { signal } = new AbortController();
await using provider = (await openSandboxProvider(sandboxConfig.parse({ name: 'bubblewrap' }), signal)).provider;
await using sandbox = await provider.create(signal);
const argv = ['sh', '-c', process.argv[2] ?? 'true'];
const end = await sandbox.exec(argv, { timeoutMs: 20_000, maxOutputBytes: 10_000 }, signal);
process.stdout.write(end.stdout);
