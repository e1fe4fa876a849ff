import { python } from './python.js';
import type { Tool } from './tool.js';

/** The tools that come with the package. */
export const builtInTools: readonly Tool[] = [python];
