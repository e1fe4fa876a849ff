import { buildPolicy } from './build-policy.js';
import { runPolicyProcess } from './policy-process.js';

process.exit(await runPolicyProcess(buildPolicy));
