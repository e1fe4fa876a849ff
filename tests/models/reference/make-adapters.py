"""LoRA adapters of PEFT over the tiny checkpoints, and what PEFT makes of them in float64.

Reads ../../fixtures/models, writes ../../fixtures/lora: a folder an adapter, as `save_pretrained` writes it, with reference.json and
reference.bin; the README there describes them. Run with torch, transformers, peft and safetensors installed: python make-adapters.py
Equal versions write equal bytes.
"""

import importlib
import json
import platform
import shutil
import sys
import zlib
from pathlib import Path

import peft
import torch
import transformers

checkpoints = importlib.import_module("make-checkpoints")
FIXTURES = checkpoints.OUT.parent
OUT = FIXTURES / "lora"
LENGTHS = (1, 7, 33)

# Name: the checkpoint, what is said of the adapter.
ADAPTERS = {
    "qwen2-all-linear": ("qwen2", dict(target_modules="all-linear", use_rslora=True)),
    "gemma3-some": ("gemma3", dict(target_modules=["q_proj", "v_proj", "down_proj"])),
    "llama-biased-all-linear": ("llama-biased", dict(target_modules="all-linear")),
}


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    for name, (base, settings) in ADAPTERS.items():
        write_adapter(name, base, settings, zlib.crc32(name.encode()))
    write_readme()


def write_adapter(name, base, settings, seed):
    folder = OUT / name
    model = checkpoints.open_model(checkpoints.OUT / base).float()
    plain = checkpoints.open_model(checkpoints.OUT / base)
    config = peft.LoraConfig(r=4, lora_alpha=8, task_type="CAUSAL_LM", **settings)
    model = peft.get_peft_model(model, config)
    randomise(model, 4 if config.use_rslora else 2, torch.Generator().manual_seed(seed))
    model.peft_config["default"].base_model_name_or_path = f"tests/fixtures/models/{base}"
    model.save_pretrained(folder)
    (folder / "README.md").unlink()
    sort_targets(folder / "adapter_config.json")
    write_reference(folder, model.double().eval(), plain, torch.Generator().manual_seed(seed + 1))


@torch.no_grad()
def randomise(model, scale, generator):
    """Both factors, so that every gradient is something, and the product, scaled, a third of the weight or so."""
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(noise * (0.2 / scale if "lora_B" in name else 1 / parameter.shape[1] ** 0.5))


def sort_targets(path):
    """PEFT writes a set, in another order every time."""
    config = json.loads(path.read_text())
    config["target_modules"] = sorted(config["target_modules"])
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def write_reference(folder, model, plain, generator):
    parameters = {
        name.replace("base_model.model.", "").replace(".default", ""): parameter
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }
    cases = [torch.randint(3, 60, (n,), generator=generator).tolist() for n in LENGTHS]
    arrays = checkpoints.Arrays()
    file = {
        "vocab_size": model.config.vocab_size,
        "parameters": [[name, list(parameter.shape)] for name, parameter in parameters.items()],
        "cases": [],
    }
    for ids in cases:
        logits, logprobs, loss, gradients = checkpoints.case_of(model, parameters, ids)
        without = checkpoints.forward(plain, torch.tensor([ids]))[0][0]
        assert (logits - without).abs().max() > 0.5, folder
        case = {"input_ids": ids, "logits_last": checkpoints.rounded(logits[-1]), "logprobs": checkpoints.rounded(logprobs)}
        case["logits"] = arrays.add(logits)
        if gradients is not None:
            assert all(gradient.abs().max() > 1e-4 for gradient in gradients), folder
            case["loss"] = loss
            case["gradients"] = arrays.add(torch.cat([gradient.flatten() for gradient in gradients]))
        file["cases"].append(case)
    (folder / "reference.json").write_text(checkpoints.compact(file))
    (folder / "reference.bin").write_bytes(arrays.bytes())
    print(folder.name, len(parameters), f"logits {logits.min():.1f} to {logits.max():.1f}, loss {loss:.2f}")


def write_readme():
    versions = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "peft": peft.__version__,
    }
    (OUT / "README.md").write_text(README.format(versions=", ".join(f"{k} {v}" for k, v in versions.items())))


README = """# Tiny LoRA adapters and what PEFT makes of them

Written by `tests/models/reference/make-adapters.py` with {versions}; do not edit.

Each folder is an adapter of rank 4 with random factors over the checkpoint of `tests/fixtures/models` that its adapter_config.json names,
as `save_pretrained` writes it. `reference.json` and `reference.bin`, computed in float64, are laid out as the references of
`tests/fixtures/models`; `parameters` are the adapters' factors, and `gradients` those to them.
"""

if __name__ == "__main__":
    sys.exit(main())
