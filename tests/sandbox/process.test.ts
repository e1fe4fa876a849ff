import { describe } from 'vitest';
import { describeConformance } from './conformance.js';

describe('plain processes', () => describeConformance('process'));
