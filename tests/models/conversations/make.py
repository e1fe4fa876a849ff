"""Makes tests/fixtures/conversations/FAMILY.json.gz: random conversations as transformers writes them down and tokenizes them.

    python tests/models/conversations/make.py CACHE [FAMILY ...]

CACHE holds `tokenizer-qwen3/models/tokenizer.json` and so on, and `smollm2/SmolLM2-135M-Instruct.Q4_1.gguf`.
Needs transformers (with gguf for SmolLM2). The entries of a fixture are
{messages, tools, options, sha (of the text, UTF-8, first 16 hex digits), ids}, or {.., error} where the template refuses.
"""

import gzip
import hashlib
import json
import random
import sys
from pathlib import Path

from tokenizers import pre_tokenizers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

COUNT = 200
OUT = Path(__file__).resolve().parents[2] / "fixtures" / "conversations"

# Gemma 2's package brings no template; this one alternates turns as its makers describe the format.
GEMMA2_TEMPLATE = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}"
    "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}"
)

# What a family's template knows: tools, reasoning, a system turn, whether turns must alternate.
FAMILIES = {
    "qwen3": {"tools": True, "think": True, "system": True, "alternate": False},
    "qwen2_5": {"tools": True, "think": False, "system": True, "alternate": False},
    "llama3_1": {"tools": False, "think": False, "system": True, "alternate": False},
    "llama3_2": {"tools": True, "think": False, "system": True, "alternate": False},
    "gemma2": {"tools": False, "think": False, "system": False, "alternate": True},
    "gemma3": {"tools": False, "think": False, "system": True, "alternate": True},
    "smollm2": {"tools": False, "think": False, "system": True, "alternate": False},
}

SENTENCES = [
    "What is the capital of France?", "Sum the numbers 3, 14, 159 and 2653.", "don't, I'LL, we've — they'd", "x^2 + y^2 = r^2",
    "Übermäßig schöne Straße", "日本語の文章です。", "Ответь по-русски, пожалуйста.", "مرحبا بالعالم", "안녕하세요 세계", "🎉👩‍💻🇫🇷 party",
    "e\u0301 is not é", "a\u00a0b\u2003c\u3000d", "tab\tand  two   three    spaces", "line one\nline two\r\nline three", "\n\nblank lines\n\n\n",
    "def f(x):\n    if x > 1:\n        return x * f(x - 1)\n    return 1\n", "const a = [1, 2, 3].map((n) => n ** 2);", "SELECT * FROM t WHERE a = 'b';",
    '{"a": [1, 2.5, null, true], "b": {"c": "d"}}', "C:\\path\\file.txt \"quoted\" 'single'", "https://example.com/?q=1&r=%20#x", "1234567890 3.14159 1e-7",
    "price: $5.00 (50% off!)", "a" * 40, "=" * 30, "<b>bold</b> & <i>it</i>", "```python\nprint('hi')\n```", "| a | b |\n|---|---|\n| 1 | 2 |",
    "{{ not jinja }} {% if %}", "ﬁ ² ½ Ⅷ", "zero\u200bwidth", "ends with <", "a < b > c",
]  # fmt: skip
WORDS = "the of and to in is that for it as was with be by on not he this are or his from at which but have an had they you were".split()


def text(rng):
    kind = rng.random()
    if kind < 0.06:
        return ""
    if kind < 0.5:
        made = rng.choice(SENTENCES)
    elif kind < 0.75:
        made = " ".join(rng.choice(SENTENCES) for _ in range(rng.randint(2, 3)))
    else:
        made = " ".join(rng.choice(WORDS) for _ in range(rng.randint(1, 40)))
    left, right = (rng.choice(["", "", "", " ", "\n", "  \n", "\t"]) for _ in range(2))
    return left + made + right


def json_value(rng, depth=0):
    kind = rng.randint(0, 8 if depth < 3 else 5)
    if kind == 0:
        return rng.choice([True, False, None])
    if kind == 1:
        return rng.choice([0, -1, 7, 123456789, 2**53 - 1])
    if kind == 2:
        return rng.choice([0.5, -2.25, 1e-7, 3.0e-5, 0.0001, 1.5e300, 123456.789])
    if kind <= 5:
        return rng.choice(SENTENCES)
    if kind == 6:
        return [json_value(rng, depth + 1) for _ in range(rng.randint(0, 3))]
    return json_object(rng, depth + 1)


def json_object(rng, depth=0):
    names = ["query", "path", "größe", "max_results", "with space", "nested", "a.b", 'quote"d']
    return {rng.choice(names): json_value(rng, depth) for _ in range(rng.randint(0, 4))}


def tool(rng, i):
    properties = {"query": {"type": "string", "description": rng.choice(SENTENCES)}, "limit": {"type": "integer", "default": 3}}
    parameters = {"type": "object", "properties": properties, "required": ["query"], "additionalProperties": False}
    return {"type": "function", "function": {"name": f"tool_{i}", "description": text(rng), "parameters": parameters}}


def assistant(rng, knows):
    content = text(rng)
    if knows["think"] and rng.random() < 0.5:
        content = rng.choice(["<think>\n", "<think>", "\n<think>\n"]) + text(rng) + rng.choice(["\n</think>\n\n", "</think>", "\n</think>\n"]) + content
    message = {"role": "assistant", "content": content}
    if knows["tools"] and rng.random() < 0.4:
        calls = range(rng.randint(1, 3))
        message["tool_calls"] = [{"type": "function", "function": {"name": f"tool_{i}", "arguments": json_object(rng)}} for i in calls]
    return message


def conversation(rng, knows):
    messages = [{"role": "system", "content": text(rng)}] if knows["system"] and rng.random() < 0.5 else []
    role = "user"
    for _ in range(rng.randint(1, 6)):
        if role == "user":
            messages.append({"role": "user", "content": text(rng)})
            role = "assistant"
            continue
        message = assistant(rng, knows)
        messages.append(message)
        for call in message.get("tool_calls", []):
            messages.append({"role": "tool", "content": text(rng), "name": call["function"]["name"]})
        role = "assistant" if "tool_calls" in message else "user"
        if not knows["alternate"] and rng.random() < 0.1:
            role = rng.choice(["user", "assistant"])
    tools = [tool(rng, i) for i in range(rng.randint(1, 3))] if knows["tools"] and rng.random() < 0.5 else None
    options = {"addGenerationPrompt": rng.random() < 0.5}
    if knows["think"] and rng.random() < 0.3:
        options["variables"] = {"enable_thinking": rng.random() < 0.5}
    return messages, tools, options


def tokenizer_of(cache, family):
    if family == "smollm2":
        made = AutoTokenizer.from_pretrained(cache / "smollm2", gguf_file="SmolLM2-135M-Instruct.Q4_1.gguf")
        # transformers ignores the file's tokenizer.ggml.pre; the model's own tokenizer.json cuts digits apart first.
        bytes_of = pre_tokenizers.ByteLevel(add_prefix_space=False)
        made.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), bytes_of])
        return made
    folder = cache / f"tokenizer-{family}" / "models"
    config = json.loads((folder / "tokenizer_config.json").read_text())
    names = {key: value for key, value in config.items() if key.endswith("_token") and value is not None}
    made = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), **names)
    made.chat_template = config.get("chat_template") or GEMMA2_TEMPLATE
    return made


def record(tokenizer, rng, knows):
    messages, tools, options = conversation(rng, knows)
    entry = {"messages": messages, "tools": tools, "options": options}
    variables = {"date_string": "26 Jul 2024", **options.get("variables", {})}
    try:
        rendered = tokenizer.apply_chat_template(
            messages, tools=tools, tokenize=False, add_generation_prompt=options["addGenerationPrompt"], **variables
        )
    except Exception as error:  # what a template raises has no type of its own
        return {**entry, "error": str(error)}
    ids = tokenizer(rendered, add_special_tokens=False)["input_ids"]
    return {**entry, "sha": hashlib.sha256(rendered.encode()).hexdigest()[:16], "ids": ids}


def main():
    cache = Path(sys.argv[1])
    for family in sys.argv[2:] or FAMILIES:
        tokenizer = tokenizer_of(cache, family)
        rng = random.Random(f"conversations {family}")
        entries = [record(tokenizer, rng, FAMILIES[family]) for _ in range(COUNT)]
        own = {"chatTemplate": GEMMA2_TEMPLATE} if family == "gemma2" else {}
        fixture = {"family": family, **own, "entries": entries}
        data = json.dumps(fixture, ensure_ascii=False, separators=(",", ":")).encode()
        path = OUT / f"{family}.json.gz"
        path.write_bytes(gzip.compress(data, 9, mtime=0))
        refused = sum("error" in entry for entry in entries)
        print(family, path.stat().st_size, "bytes,", refused, "refused")


if __name__ == "__main__":
    main()
