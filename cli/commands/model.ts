import { Command, Option } from 'commander';
import type { ModelFormat } from '../../core/model/write-model.js';
import { type CommandContext, example } from '../command-context.js';

/** By what a command line calls it. */
const dtypes = { f32: 'F32', f16: 'F16', bf16: 'BF16' } as const;
const formats = ['safetensors', 'gguf'] as const satisfies readonly ModelFormat[];

interface WriteFlags {
  readonly dtype?: keyof typeof dtypes;
}

interface ExportFlags extends WriteFlags {
  readonly out: string;
  readonly format?: ModelFormat;
  readonly adapter?: string;
}

/** `verlet model info | convert | export` */
export function modelCommand(context: CommandContext): Command {
  return new Command('model')
    .description('Look into models, and write them in other formats.')
    .addCommand(infoCommand(context))
    .addCommand(convertCommand(context))
    .addCommand(exportCommand(context))
    .addHelpText('after', example(['verlet model info MODEL', 'verlet model export runs/NAME --out my-model']));
}

function infoCommand({ io, signal }: CommandContext): Command {
  return new Command('info')
    .description('Say what a model is, without loading its weights.')
    .argument('<model>', 'a directory, a .gguf file, an id on the Hub, or a run')
    .option('--tensors', 'list every tensor')
    .option('--json', 'one JSON object on stdout')
    .addHelpText('after', example(['verlet model info Qwen/Qwen3-0.6B', 'verlet model info model.gguf --tensors']))
    .action(async (model: string, { tensors = false, json = false }: { tensors?: boolean; json?: boolean }) => {
      const { tellModel } = await import('../tell-model.js');
      await tellModel({ model, tensors, json }, io, signal);
    });
}

function convertCommand(context: CommandContext): Command {
  return new Command('convert')
    .description('Write a model in another format: a .gguf file, or by any other name a directory of safetensors.')
    .argument('<model>', 'a directory, a .gguf file, an id on the Hub, or a run')
    .argument('<out>', 'a path that is free')
    .addOption(dtypeOption('that of the model where it has one, else bf16'))
    .addHelpText('after', example(['verlet model convert Qwen/Qwen3-0.6B qwen3.gguf --dtype f16']))
    .action((model: string, path: string, { dtype }: WriteFlags) =>
      write(context, { model, path, dtype: dtype === undefined ? 'source' : dtypes[dtype] }),
    );
}

function exportCommand(context: CommandContext): Command {
  return new Command('export')
    .description('Write what was trained, adapters merged, for other programs to load.')
    .argument('<model>', 'a run (its newest checkpoint), a checkpoint, an adapter, or any model')
    .requiredOption('--out <path>', 'a path that is free: a .gguf file, or a directory')
    .addOption(new Option('--format <name>', 'default: by the form of the path').choices(formats))
    .addOption(dtypeOption('f32'))
    .option('--adapter <directory>', 'a PEFT adapter to merge into the model')
    .addHelpText(
      'after',
      example([
        'verlet model export runs/NAME --out my-model',
        'verlet model export Qwen/Qwen3-0.6B --adapter my-adapter --out merged.gguf --dtype bf16',
      ]),
    )
    .action((model: string, { out, dtype = 'f32', format, adapter }: ExportFlags) =>
      write(context, {
        model,
        path: out,
        dtype: dtypes[dtype],
        ...(format && { format }),
        ...(adapter && { adapter }),
      }),
    );
}

function dtypeOption(byDefault: string): Option {
  return new Option('--dtype <name>', `format of the weights (default: ${byDefault})`).choices(Object.keys(dtypes));
}

type ExportRequest = Parameters<typeof import('../export-model.js')['exportModel']>[0];

async function write({ io, signal }: CommandContext, request: ExportRequest): Promise<void> {
  const { exportModel } = await import('../export-model.js');
  const { format, dtype } = await exportModel(request, io, signal);
  io.stdout.write(`${request.path}: ${format}, ${dtype}\n`);
}
