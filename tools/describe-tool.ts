import { z } from 'zod';
import { ConfigError } from '../core/errors.js';
import type { Json, ToolDescription } from '../core/types.js';
import type { Tool } from './tool.js';

/** What the model is told about a tool. Throws ConfigError when its input is not an object that JSON schema can express. */
export function describeTool(tool: Tool): ToolDescription {
  const { $schema, ...parameters } = schemaOf(tool);
  if (parameters.type !== 'object') {
    throw new ConfigError(
      `tool ${tool.name}: the input must be an object of named arguments, write z.strictObject({ … })`,
    );
  }
  return { name: tool.name, description: tool.description, parameters: parameters };
}

function schemaOf(tool: Tool): { readonly [key: string]: Json } {
  try {
    return z.record(z.string(), z.json()).parse(z.toJSONSchema(tool.input, { io: 'input' }));
  } catch (cause) {
    throw new ConfigError(`tool ${tool.name}: the input has no JSON schema: ${cause}`, { cause });
  }
}
