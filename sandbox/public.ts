/** The door of this room for users of the package. */
export { type SandboxConfig, sandboxConfig } from './config.js';
export { type OpenedSandboxProvider, openSandboxProvider } from './open-sandbox-provider.js';
export { SandboxFileError } from './sandbox-file-error.js';
