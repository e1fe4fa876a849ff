"""PyTorch's side of bench/train.ts: one training step of a Llama-shaped decoder, with or without norms on query and key heads."""

import platform
import time

import torch
import torch.nn.functional as F
from torch import nn

from side import serve


class Attention(nn.Module):
    def __init__(self, config, has_head_norms):
        super().__init__()
        width, dim = config["hiddenSize"], config["headDim"]
        self.heads, self.kv_heads, self.dim = config["numAttentionHeads"], config["numKeyValueHeads"], dim
        self.q_proj = nn.Linear(width, self.heads * dim, bias=False)
        self.k_proj = nn.Linear(width, self.kv_heads * dim, bias=False)
        self.v_proj = nn.Linear(width, self.kv_heads * dim, bias=False)
        self.o_proj = nn.Linear(self.heads * dim, width, bias=False)
        if has_head_norms:
            self.q_norm = nn.RMSNorm(dim, eps=config["rmsNormEps"])
            self.k_norm = nn.RMSNorm(dim, eps=config["rmsNormEps"])
        self.has_head_norms = has_head_norms

    def forward(self, x, cos, sin):
        size, length, _ = x.shape
        q = self.q_proj(x).view(size, length, self.heads, self.dim)
        k = self.k_proj(x).view(size, length, self.kv_heads, self.dim)
        v = self.v_proj(x).view(size, length, self.kv_heads, self.dim)
        if self.has_head_norms:
            q, k = self.q_norm(q), self.k_norm(k)
        q, k = rotate(q.transpose(1, 2), cos, sin), rotate(k.transpose(1, 2), cos, sin)
        is_grouped = self.heads != self.kv_heads
        attended = F.scaled_dot_product_attention(q, k, v.transpose(1, 2), is_causal=True, enable_gqa=is_grouped)
        return self.o_proj(attended.transpose(1, 2).reshape(size, length, self.heads * self.dim))


class Mlp(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, inner = config["hiddenSize"], config["intermediateSize"]
        self.gate_proj = nn.Linear(width, inner, bias=False)
        self.up_proj = nn.Linear(width, inner, bias=False)
        self.down_proj = nn.Linear(inner, width, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, config, has_head_norms):
        super().__init__()
        self.input_layernorm = nn.RMSNorm(config["hiddenSize"], eps=config["rmsNormEps"])
        self.self_attn = Attention(config, has_head_norms)
        self.post_attention_layernorm = nn.RMSNorm(config["hiddenSize"], eps=config["rmsNormEps"])
        self.mlp = Mlp(config)

    def forward(self, x, cos, sin):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


class Decoder(nn.Module):
    def __init__(self, config, vocabulary, has_head_norms):
        super().__init__()
        self.embed_tokens = nn.Embedding(vocabulary, config["hiddenSize"])
        self.layers = nn.ModuleList(Layer(config, has_head_norms) for _ in range(config["numHiddenLayers"]))
        self.norm = nn.RMSNorm(config["hiddenSize"], eps=config["rmsNormEps"])

    def forward(self, tokens, cos, sin):
        x = self.embed_tokens(tokens)
        for layer in self.layers:
            x = layer(x, cos, sin)
        return self.norm(x)


class Policy(nn.Module):
    """Mean negative log-likelihood of every token but the first; the head is tied to the embedding."""

    def __init__(self, config, vocabulary, has_head_norms):
        super().__init__()
        self.model = Decoder(config, vocabulary, has_head_norms)

    def forward(self, tokens, cos, sin):
        hidden = self.model(tokens, cos, sin)[:, :-1]
        logits = F.linear(hidden, self.model.embed_tokens.weight)
        return F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())


def rotate(x, cos, sin):
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin


def rotary_table(length, dim, theta):
    frequencies = theta ** (-torch.arange(0, dim, 2, dtype=torch.float64) / dim)
    angles = torch.outer(torch.arange(length, dtype=torch.float64), frequencies).repeat(1, 2)
    return angles.cos().float(), angles.sin().float()


class Side:
    def open(self, config, shapes, weights, tokens, optimizer, threads, compile):
        torch.set_num_threads(threads)
        shape_of = dict(shapes)
        has_head_norms = any(name.endswith("q_norm.weight") for name in shape_of)
        vocabulary = shape_of["model.embed_tokens.weight"][0]
        with torch.device("meta"):
            policy = Policy(config, vocabulary, has_head_norms)
        policy.to_empty(device="cpu")
        self.policy = policy
        self.read(weights, shapes)
        self.tokens = torch.tensor(tokens)
        self.table = rotary_table(self.tokens.shape[1], config["headDim"], config["ropeTheta"])
        self.loss = torch.compile(policy) if compile else policy
        matrices = [parameter for parameter in policy.parameters() if parameter.dim() > 1]
        vectors = [parameter for parameter in policy.parameters() if parameter.dim() == 1]
        self.clip = optimizer["gradClip"]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": matrices, "weight_decay": optimizer["weightDecay"]},
                {"params": vectors, "weight_decay": 0.0},
            ],
            lr=optimizer["lr"],
            betas=tuple(optimizer["betas"]),
            eps=1e-8,
            fused=True,
        )
        return {"versions": {"torch": torch.__version__, "python": platform.python_version()}}

    def read(self, path, shapes):
        """Values lie in the file end to end; each goes straight into its parameter, so nothing is held twice."""
        parameters = dict(self.policy.named_parameters())
        unknown = set(parameters) ^ {name for name, _ in shapes}
        assert not unknown, f"only one side has {sorted(unknown)}"
        with open(path, "rb") as file:
            for name, shape in shapes:
                target = parameters[name].detach().numpy()
                assert list(target.shape) == shape, f"{name} has shape {target.shape}, the file {shape}"
                count = file.readinto(memoryview(target.reshape(-1)).cast("B"))
                assert count == target.nbytes, f"the file ends within {name}"

    def step(self):
        start = time.perf_counter()
        loss = self.loss(self.tokens, *self.table)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.policy.parameters(), self.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        seconds = time.perf_counter() - start
        return {"seconds": seconds, "loss": loss.item(), "gradNorm": norm.item()}


side = Side()
serve({"open": side.open, "step": side.step})
