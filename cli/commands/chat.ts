import { Command, Option } from 'commander';
import { backendNames } from '../../core/tensor/backend-names.js';
import type { ChatFlags } from '../chat/chat-plan.js';
import { type CommandContext, example } from '../command-context.js';
import { realNumber, wholeNumber } from '../number-option.js';

/** `verlet chat MODEL` */
export function chatCommand({ io, signal }: CommandContext): Command {
  const share = realNumber({ min: 0, max: 1 });
  return new Command('chat')
    .description('Talk to a model. Without a terminal each line of stdin is a prompt.')
    .argument('<model>', 'a directory, a .gguf file, an id on the Hub, or a run')
    .option('--prompt <text>', 'answer this and end; may be repeated, each is a conversation of its own', append)
    .option('--system <text>', 'what the model is told before the conversation')
    .option('--raw', 'continue text as it is, without a chat template')
    .option('--adapter <directory>', 'a PEFT adapter to merge into the model')
    .option('--temperature <number>', 'default: what the makers say, else 1; 0 is greedy', realNumber({ min: 0 }))
    .option(
      '--top-k <number>',
      'only the so many likeliest tokens; 0 is all',
      wholeNumber({ min: 0, max: 2 ** 31 - 1 }),
    )
    .option(
      '--top-p <number>',
      'only the likeliest tokens of this share',
      realNumber({ min: Number.MIN_VALUE, max: 1 }),
    )
    .option('--min-p <number>', 'only tokens so many times as likely as the likeliest', share)
    .option('--max-tokens <number>', 'longest answer', wholeNumber({ min: 1 }), 512)
    .option('--seed <number>', 'the same answers again (default: others each time)', wholeNumber({ min: 0 }))
    .option(
      '--context <number>',
      'longest conversation (default: that of the model, at most 8192)',
      wholeNumber({ min: 2 }),
    )
    .addOption(new Option('--backend <name>', 'where tensors are computed').choices(backendNames).default('auto'))
    .option('--json', 'one line of JSON a prompt')
    .addHelpText(
      'after',
      example([
        'verlet chat Qwen/Qwen3-0.6B',
        'verlet chat runs/NAME --prompt "What is 12 * 12?" --temperature 0',
        'verlet chat model.gguf --json < prompts.txt > answers.jsonl',
      ]),
    )
    .action(async (model: string, flags: ChatFlags) => {
      const { runChat } = await import('../chat/run-chat.js');
      await runChat(model, flags, io, signal);
    });
}

function append(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}
