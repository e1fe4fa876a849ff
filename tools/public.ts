/** The door of this room for users of the package. */
export { defineTool, type ToolSpec } from './define-tool.js';
export { describeTool } from './describe-tool.js';
export { type ExecutedCall, executeToolCall, unparsableCall } from './execute-tool-call.js';
export { python, pythonOptions, pythonTool } from './python.js';
export { builtInTools } from './registry.js';
export type { Tool, ToolContext, ToolResult } from './tool.js';
