"""Tiny checkpoints of every architecture, and what transformers makes of them in float64.

Writes ../../fixtures/models: a folder a checkpoint, as `save_pretrained` writes it, and references/NAME.json with NAME.bin; the README
there describes them. Run with torch, transformers and safetensors installed: python make-checkpoints.py
Equal versions write equal bytes.
"""

import json
import math
import platform
import shutil
import sys
import tempfile
import zlib
from pathlib import Path

import safetensors
import torch
import transformers
from torch.overrides import TorchFunctionMode
from transformers import AutoConfig, AutoModelForCausalLM

OUT = Path(__file__).resolve().parents[2] / "fixtures" / "models"
LENGTHS = (1, 2, 7, 33, 70)


class InDouble(TorchFunctionMode):
    """The models ask for float32 in norms, softmax and rotary embedding whatever they are made of; here they get float64."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        widen = lambda value: torch.float64 if value is torch.float32 else value
        kwargs = {key: widen(value) for key, value in (kwargs or {}).items()}
        if func is torch.Tensor.float:
            return args[0].double()
        return func(*[widen(value) for value in args], **kwargs)


# What most checkpoints have in common.
SMALL = dict(
    vocab_size=64,
    hidden_size=16,
    intermediate_size=24,
    num_hidden_layers=3,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=8,
    max_position_embeddings=1024,
    initializer_range=0.02,
    bos_token_id=1,
    eos_token_id=2,
    pad_token_id=0,
)


def small(**changes):
    """None takes a setting away."""
    return {key: value for key, value in {**SMALL, **changes}.items() if value is not None}


def rope(theta, **scaling):
    return {"rope_type": scaling.pop("rope_type", "default"), "rope_theta": float(theta), **scaling}


LLAMA3_ROPE = rope(
    100, rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64
)
YARN_ROPE = rope(10_000, rope_type="yarn", factor=4.0, original_max_position_embeddings=32)
GEMMA3 = small(
    num_hidden_layers=4,
    head_dim=12,
    sliding_window=6,
    query_pre_attn_scalar=20,
    rms_norm_eps=2e-3,
    layer_types=["sliding_attention", "full_attention", "sliding_attention", "full_attention"],
    rope_parameters={
        "sliding_attention": rope(50),
        "full_attention": rope(1000, rope_type="linear", factor=4.0),
    },
)

# Name: class of the config, its settings, arguments of save_pretrained; `dtype` is of the weights.
CHECKPOINTS = {
    "llama": ("LlamaConfig", small(tie_word_embeddings=False, rope_parameters=rope(1000)), {}),
    "llama3-rope": (
        "LlamaConfig",
        small(tie_word_embeddings=True, hidden_size=24, num_key_value_heads=1, rope_parameters=LLAMA3_ROPE),
        {},
    ),
    "llama-biased": (
        "LlamaConfig",
        small(attention_bias=True, mlp_bias=True, num_key_value_heads=4, rms_norm_eps=5e-3, rope_parameters=rope(500)),
        {},
    ),
    "smollm2": (
        "LlamaConfig",
        small(
            hidden_size=18,
            head_dim=6,
            num_attention_heads=3,
            num_key_value_heads=1,
            vocab_size=77,
            tie_word_embeddings=True,
            rms_norm_eps=1e-5,
            dtype="bfloat16",
            rope_parameters=rope(100_000),
        ),
        {},
    ),
    "qwen2": (
        "Qwen2Config",
        small(head_dim=None, hidden_size=24, tie_word_embeddings=False, rope_parameters=rope(1_000_000)),
        {"max_shard_size": "12KB"},
    ),
    "qwen2-window": (
        "Qwen2Config",
        small(
            head_dim=None,
            tie_word_embeddings=True,
            use_sliding_window=True,
            sliding_window=9,
            max_window_layers=1,
            rope_parameters=rope(1000),
        ),
        {},
    ),
    "qwen3": ("Qwen3Config", small(head_dim=10, tie_word_embeddings=True, rope_parameters=rope(10_000)), {}),
    "qwen3-yarn": (
        "Qwen3Config",
        small(head_dim=16, num_attention_heads=2, num_key_value_heads=1, rope_parameters=YARN_ROPE),
        {},
    ),
    "gemma2": (
        "Gemma2Config",
        small(
            head_dim=12,
            query_pre_attn_scalar=20,
            attn_logit_softcapping=2.5,
            final_logit_softcapping=5.0,
            sliding_window=5,
            rope_parameters=rope(100),
        ),
        {},
    ),
    "gemma3": ("Gemma3TextConfig", GEMMA3, {}),
    "gemma3-multimodal": (
        "Gemma3Config",
        dict(
            text_config={**GEMMA3, "num_hidden_layers": 3, "layer_types": GEMMA3["layer_types"][:3]},
            vision_config=dict(
                hidden_size=8,
                intermediate_size=8,
                num_hidden_layers=1,
                num_attention_heads=1,
                image_size=16,
                patch_size=8,
                vision_use_head=False,
            ),
            mm_tokens_per_image=1,
            boi_token_index=60,
            eoi_token_index=61,
            image_token_index=63,
        ),
        {},
    ),
}

# Settings that a reader could get wrong unnoticed if the numbers did not depend on them.
MATTERS = {
    "llama": [{"rope_parameters": rope(2000)}],
    "llama3-rope": [
        {"rope_parameters": {**LLAMA3_ROPE, **change}}
        for change in (
            {"factor": 7.0},
            {"low_freq_factor": 1.5},
            {"high_freq_factor": 3.5},
            {"original_max_position_embeddings": 56},
        )
    ],
    "llama-biased": [{"rms_norm_eps": 4e-3}],
    "qwen2-window": [
        {"sliding_window": 8},
        {"sliding_window": 10},
        {"layer_types": ["sliding_attention"] * 3},
        {"layer_types": ["full_attention", "full_attention", "sliding_attention"]},
    ],
    "qwen3": [{"rope_parameters": rope(20_000)}],
    "qwen3-yarn": [
        {"rope_parameters": {**YARN_ROPE, **change}}
        for change in ({"factor": 3.0}, {"original_max_position_embeddings": 16}, {"attention_factor": 1.0})
    ],
    "gemma2": [
        {"query_pre_attn_scalar": 12},
        {"attn_logit_softcapping": 3.0},
        {"final_logit_softcapping": 6.0},
        {"sliding_window": 4},
        {"sliding_window": 6},
        {"layer_types": ["full_attention", "sliding_attention", "full_attention"]},
        {"hidden_activation": "gelu"},
    ],
    "gemma3": [
        {"query_pre_attn_scalar": 12},
        {"sliding_window": 5},
        {"sliding_window": 7},
        {"rms_norm_eps": 1e-3},
        {"hidden_activation": "gelu"},
        {"layer_types": ["full_attention", "sliding_attention"] * 2},
        {"rope_parameters": {**GEMMA3["rope_parameters"], "sliding_attention": rope(40)}},
        {"rope_parameters": {**GEMMA3["rope_parameters"], "full_attention": rope(1000)}},
    ],
}

# What transformers 4 called things, or left out where it was the class's default; traps that real checkpoints have.
OLD = {
    "llama3-rope": {},
    "qwen2": {"sliding_window": 5, "max_window_layers": 1},
    "qwen2-window": {},
    "qwen3-yarn": {},
    "gemma2": {"tie_word_embeddings": None, "hidden_act": "gelu_pytorch_tanh"},
    "gemma3": {"tie_word_embeddings": None, "sliding_window_pattern": 2, "rope_local_base_freq": 50.0},
}
NEW_KEYS = ("rope_parameters", "dtype", "layer_types", "_sliding_window_pattern", "use_bidirectional_attention")


def main():
    transformers.utils.logging.disable_progress_bar()
    shutil.rmtree(OUT, ignore_errors=True)
    (OUT / "references").mkdir(parents=True)
    for name, (kind, settings, saving) in CHECKPOINTS.items():
        seed = zlib.crc32(name.encode())
        write_checkpoint(name, getattr(transformers, kind)(**settings), saving, seed)
        write_reference(name, seed)
    for name, changes in MATTERS.items():
        check_matters(name, changes)
    for name, changes in OLD.items():
        write_old_config(name, changes)
    write_readme()


def write_checkpoint(name, config, saving, seed):
    dtype = config.dtype or torch.float32
    torch.manual_seed(seed)
    kind = "Gemma3ForConditionalGeneration" if config.model_type == "gemma3" else None
    make = getattr(transformers, kind) if kind else AutoModelForCausalLM.from_config
    model = make(config).to(torch.float32)
    randomise(model, torch.Generator().manual_seed(seed + 1))
    model.to(dtype).save_pretrained(OUT / name, **saving)


@torch.no_grad()
def randomise(model, generator):
    """Nothing is 0 or 1 that could be forgotten unnoticed; logits spread over several units, attention is neither flat nor hard."""
    tied = model.config.get_text_config().tie_word_embeddings
    gemma = model.config.model_type.startswith("gemma")
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if "vision" in name:
            parameter.copy_(0.1 * noise)
        elif name.endswith("bias"):
            parameter.copy_(0.4 * noise)
        elif parameter.ndim == 1:
            parameter.copy_((0 if gemma else 1) + 0.3 * noise)
        elif "embed_tokens" in name:
            parameter.copy_(noise * ((2 / math.sqrt(parameter.shape[1])) if tied else 1))
        else:
            gain = 2 if "lm_head" in name else 1.2
            parameter.copy_(noise * gain / math.sqrt(parameter.shape[1]))


def open_model(folder):
    """The saved checkpoint in float64, opened as its user would; loading must miss and leave over nothing."""
    kind = json.loads((folder / "config.json").read_text())["architectures"][0]
    model, info = getattr(transformers, kind).from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    assert not any(info.values()), info
    return model.double().eval()


def write_reference(name, seed):
    model = open_model(OUT / name)
    text = model.config.get_text_config()
    generator = torch.Generator().manual_seed(seed + 2)
    # The ids of images, which only the multimodal checkpoint has, are left alone in all of them.
    cases = [torch.randint(3, 60, (n,), generator=generator).tolist() for n in LENGTHS]
    parameters = text_parameters(model)
    references = [case_of(model, parameters, ids) for ids in cases]
    check_padding(model, cases, references)
    check_packing(model, parameters, cases, references)

    arrays = Arrays()
    file = {
        "vocab_size": text.vocab_size,
        "parameters": [[name, list(parameter.shape)] for name, parameter in parameters.items()],
        "cases": [],
    }
    for ids, (logits, logprobs, loss, gradients) in zip(cases, references):
        case = {"input_ids": ids, "logits_last": rounded(logits[-1]), "logprobs": rounded(logprobs)}
        case["logits"] = arrays.add(logits)
        if gradients is not None:
            case["loss"] = loss
            case["gradients"] = arrays.add(torch.cat([gradient.flatten() for gradient in gradients]))
        file["cases"].append(case)
    (OUT / "references" / f"{name}.json").write_text(compact(file))
    (OUT / "references" / f"{name}.bin").write_bytes(arrays.bytes())
    report(name, references)


def text_parameters(model):
    """By the names that they have in a checkpoint of the text model alone."""
    named = {}
    for name, parameter in model.named_parameters():
        if "vision_tower" in name or "multi_modal_projector" in name:
            parameter.requires_grad_(False)
        else:
            named[name.replace("model.language_model.", "model.")] = parameter
    return named


def case_of(model, parameters, ids):
    """Logits [T, V], log-probs [T - 1], mean loss and its gradient; the last two None for a token alone."""
    logits, logprobs = forward(model, torch.tensor([ids]))
    logits, logprobs = logits[0], logprobs[0]
    if len(ids) == 1:
        return logits.detach(), logprobs.detach(), None, None
    loss = -logprobs.mean()
    gradients = torch.autograd.grad(loss, list(parameters.values()))
    return logits.detach(), logprobs.detach(), loss.item(), gradients


def forward(model, ids, **given):
    with InDouble():
        logits = model(input_ids=ids, use_cache=False, **given).logits
        logprobs = torch.log_softmax(logits[:, :-1], -1).gather(-1, ids[:, 1:, None])[..., 0]
    assert logits.dtype == torch.float64 and logits.isfinite().all()
    return logits, logprobs


def check_padding(model, cases, references):
    """All cases as one batch, padded on the left: the same numbers."""
    longest = max(map(len, cases))
    pads = [longest - len(ids) for ids in cases]
    batch = torch.tensor([[0] * pad + ids for pad, ids in zip(pads, cases)])
    mask = torch.tensor([[0] * pad + [1] * len(ids) for pad, ids in zip(pads, cases)])
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    with torch.no_grad():
        logits, _ = forward(model, batch, attention_mask=mask, position_ids=positions)
    for row, pad, (expected, *_) in zip(logits, pads, references):
        assert torch.allclose(row[pad:], expected, rtol=0, atol=1e-9), (row[pad:] - expected).abs().max()


def check_packing(model, parameters, cases, references):
    """The gradient of two sequences' mean loss is that of the sums, so that it need not be written down."""
    a, b = cases[-2:]
    total = sum(-forward(model, torch.tensor([ids]))[1].sum() for ids in (a, b)) / (len(a) + len(b) - 2)
    both = torch.autograd.grad(total, list(parameters.values()))
    for of_both, of_a, of_b in zip(both, references[-2][3], references[-1][3]):
        combined = (of_a * (len(a) - 1) + of_b * (len(b) - 1)) / (len(a) + len(b) - 2)
        assert torch.allclose(of_both, combined, rtol=0, atol=1e-9)


def check_matters(name, changes):
    """Each change of the config is seen in the logits, by ten times the tolerance of the tests or more."""
    ids = torch.arange(3, 59)[None]
    logits = forward(open_model(OUT / name), ids)[0]
    for change in changes:
        other = forward(with_config(name, {**read_config(name), **change}), ids)[0]
        assert (logits - other).abs().max() > 1e-3, (name, change)


def write_old_config(name, changes):
    """config.json as transformers 4 wrote it, which must mean the same model."""
    config = read_config(name)
    parameters = config["rope_parameters"]
    parameters = dict(parameters.get("full_attention", parameters))
    old = {
        **{key: value for key, value in config.items() if key not in NEW_KEYS},
        "rope_theta": parameters.pop("rope_theta"),
        "rope_scaling": None if parameters["rope_type"] == "default" else parameters,
        "torch_dtype": config["dtype"],
        "transformers_version": "4.51.3",
        **changes,
    }
    for key in [key for key, value in changes.items() if value is None]:
        del old[key]
    ids = torch.arange(3, 59)[None]
    assert torch.equal(forward(open_model(OUT / name), ids)[0], forward(with_config(name, old), ids)[0]), name
    (OUT / f"{name}-v4").mkdir()
    (OUT / f"{name}-v4" / "config.json").write_text(json.dumps(old, indent=2, sort_keys=True) + "\n")


def read_config(name):
    return json.loads((OUT / name / "config.json").read_text())


def with_config(name, config):
    """The checkpoint with another config.json."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(OUT / name, folder, dirs_exist_ok=True)
        (Path(folder) / "config.json").write_text(json.dumps(config))
        return open_model(Path(folder))


class Arrays:
    """Float32 arrays end to end."""

    def __init__(self):
        self.parts = []
        self.size = 0

    def add(self, values):
        entry = {"offset": self.size, "size": values.numel()}
        self.parts.append(values.detach().to(torch.float32).contiguous().numpy().astype("<f4").tobytes())
        self.size += values.numel() * 4
        return entry

    def bytes(self):
        return b"".join(self.parts)


def rounded(values):
    return [float(f"{value:.10g}") for value in values.tolist()]


def compact(file):
    """One case a line."""
    cases = ",\n".join(json.dumps(case) for case in file["cases"])
    head = json.dumps({key: value for key, value in file.items() if key != "cases"})
    return f'{head[:-1]},\n"cases": [\n{cases}\n]}}\n'


def report(name, references):
    logits = references[-1][0]
    print(
        f"{name}: logits {logits.min():.1f} to {logits.max():.1f}, deviation {logits.std():.2f}, losses",
        [f"{loss:.2f}" for _, _, loss, _ in references[1:]],
    )


def write_readme():
    versions = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "safetensors": safetensors.__version__,
    }
    (OUT / "README.md").write_text(README.format(versions=", ".join(f"{k} {v}" for k, v in versions.items())))


README = """# Tiny checkpoints and what transformers makes of them

Written by `tests/models/reference/make-checkpoints.py` with {versions}; do not edit.

- `NAME/`: a checkpoint with random weights, as `save_pretrained` writes it. `smollm2` is bfloat16, `qwen2` has several shards, the text
  model of `gemma3-multimodal` lies beside a vision tower.
- `NAME-v4/config.json`: what transformers 4 wrote instead of `NAME/config.json`; the same model.
- `references/NAME.json`, `NAME.bin`: computed in float64, eager attention. A case is the ids of one sequence, the logits of the last
  position, the log-prob of each token given those before it, and of sequences of two and more the mean of the negative log-probs
  (`loss`). `logits` ([T, V], of every position) and `gradients` (of the loss, of each of `parameters` in their order) are float32,
  little endian, `size` of them at byte `offset` of `NAME.bin`. `npm run verify -- model` reads these files too.
"""

if __name__ == "__main__":
    sys.exit(main())
