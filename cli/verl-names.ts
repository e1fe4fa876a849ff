/**
 * verl's keys whose name here is another one, by their last part or dotted in full. Those that only changed from
 * snake_case to camelCase, or moved to another section, need no entry.
 */
export const verlNames: { readonly [key: string]: string } = {
  max_assistant_turns: 'rollout.maxTurns',
  max_user_turns: 'rollout.maxTurns',
  max_response_length: 'rollout.maxResponseTokens',
  max_model_len: 'rollout.maxContext',
  max_prompt_length: 'rollout.maxContext',
  max_parallel_calls: 'rollout.maxToolCalls',
  ppo_micro_batch_size: 'algorithm.ppoMaxTokenLenPerGpu',
  ppo_micro_batch_size_per_gpu: 'algorithm.ppoMaxTokenLenPerGpu',
  micro_batch_size: 'warmStart.maxTokenLenPerGpu',
  micro_batch_size_per_gpu: 'warmStart.maxTokenLenPerGpu',
  use_dynamic_bsz: 'algorithm.ppoMaxTokenLenPerGpu',
  max_actor_ckpt_to_keep: 'trainer.maxCkptToKeep',
  max_critic_ckpt_to_keep: 'trainer.maxCkptToKeep',
  loss_mode: 'algorithm.policyLoss.name',
  clip_ratio: 'algorithm.policyLoss.clipRatioLow',
  lr_scheduler_type: 'optimizer.lrScheduler',
  lr_warmup_steps_ratio: 'optimizer.lrWarmupSteps',
  min_lr_ratio: 'optimizer.lrMinRatio',
  clip_grad: 'optimizer.gradClip',
  do_sample: 'rollout.valKwargs.temperature',
  val_batch_size: 'data.evalSize',
  val_max_samples: 'data.evalSize',
  tool_config_path: 'tools',
  resume_mode: 'the option --resume RUN',
  resume_from_path: 'the option --resume RUN',
  default_local_dir: 'the option --run-dir PATH',
  device: 'backend',
};

/** The same for supervised fine-tuning, whose sections are others. */
export const verlSftNames: { readonly [key: string]: string } = {
  ...verlNames,
  micro_batch_size: 'data.maxTokenLenPerGpu',
  micro_batch_size_per_gpu: 'data.maxTokenLenPerGpu',
  use_dynamic_bsz: 'data.maxTokenLenPerGpu',
  max_seq_length: 'data.maxLength',
  max_seq_len: 'data.maxLength',
  val_batch_size: 'data.maxTokenLenPerGpu',
  val_max_samples: 'data.valMaxSamples',
  train_on_last_turn_only: 'data.trainOn',
  multiturn: 'data.messagesKey',
  partial_pretrain: 'model.path',
  'optim.lr': 'optimizer.lr',
  warmup_steps_ratio: 'optimizer.lrWarmupSteps',
  enable_gradient_checkpointing: 'model.enableGradientCheckpointing',
};
