import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { ConfigError } from '../../errors.js';

/** What the surroundings say about a hub: its variables, and the token file that its library keeps. */
export interface HubSettings {
  /** Without a slash at its end. */
  readonly endpoint: string;
  /** The folder that holds a folder for each model. */
  readonly cache: string;
  readonly token: string | undefined;
  /** Nothing is asked of the network. */
  readonly isOffline: boolean;
  /** So long may a server say nothing. */
  readonly silenceMs: number;
}

type Environment = NodeJS.ProcessEnv;

/** The variables of Python's huggingface_hub, with the same precedence. Throws ConfigError for a value that cannot be meant. */
export async function huggingFaceSettings(env: Environment): Promise<HubSettings> {
  const home = expand(env.HF_HOME || join(env.XDG_CACHE_HOME || join(homeOf(env), '.cache'), 'huggingface'), env);
  const tokenFile = expand(env.HF_TOKEN_PATH || join(home, 'token'), env);
  return {
    endpoint: endpointOf(env.HF_ENDPOINT || 'https://huggingface.co', 'HF_ENDPOINT'),
    cache: expand(env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || join(home, 'hub'), env),
    token: isTrue(env.HF_HUB_DISABLE_IMPLICIT_TOKEN)
      ? undefined
      : tokenOf(env.HF_TOKEN || env.HUGGING_FACE_HUB_TOKEN || (await textIn(tokenFile)), `HF_TOKEN or ${tokenFile}`),
    ...shared(env),
  };
}

/** The variables of Python's modelscope-hub (0.5); HF_HUB_OFFLINE holds for both hubs. */
export function modelScopeSettings(env: Environment): HubSettings {
  const named = env.MODELSCOPE_ENDPOINT || env.MODELSCOPE_DOMAIN || 'https://modelscope.cn';
  const endpoint = /^https?:\/\//i.test(named) ? named : `https://${named}`;
  return {
    endpoint: endpointOf(endpoint, 'MODELSCOPE_ENDPOINT'),
    cache: expand(env.MODELSCOPE_CACHE || join(homeOf(env), '.cache', 'modelscope'), env),
    token: tokenOf(env.MODELSCOPE_API_TOKEN, 'MODELSCOPE_API_TOKEN'),
    ...shared(env),
  };
}

/** As huggingface_hub reads its switches. */
export function isTrue(value: string | undefined): boolean {
  return /^(1|on|yes|true)$/i.test(value ?? '');
}

function shared(env: Environment): Pick<HubSettings, 'isOffline' | 'silenceMs'> {
  const seconds = Number(env.HF_HUB_DOWNLOAD_TIMEOUT || 30);
  if (!(seconds > 0 && seconds < 1e6)) {
    throw new ConfigError(`HF_HUB_DOWNLOAD_TIMEOUT is ${env.HF_HUB_DOWNLOAD_TIMEOUT}: write seconds, more than 0`);
  }
  return { isOffline: isTrue(env.HF_HUB_OFFLINE || env.TRANSFORMERS_OFFLINE), silenceMs: seconds * 1000 };
}

function endpointOf(text: string, variable: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new ConfigError(`${variable} is ${JSON.stringify(text)}: write a URL such as https://hub.example.org`);
  }
  return text.replace(/\/+$/, '');
}

/** A token that cannot stand in a header is refused here: the error of a request would show it. */
function tokenOf(text: string | undefined, source: string): string | undefined {
  const token = text?.trim();
  if (!token) return undefined;
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new ConfigError(`the token from ${source} has characters that no token has: copy it again`);
}

async function textIn(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined); // there is one only where somebody logged in
}

function homeOf(env: Environment): string {
  return env.HOME || homedir();
}

function expand(path: string, env: Environment): string {
  return resolve(path.replace(/^~(?=$|[\\/])/, homeOf(env)));
}
