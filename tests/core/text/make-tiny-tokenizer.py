"""Makes tests/fixtures/text/tiny-tokenizer.json: byte-level BPE of 400 entries with ChatML's control tokens. Needs tokenizers."""
import json
from pathlib import Path
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
SENTENCES = ["The quick brown fox jumps over the lazy dog.", "def add(a, b):\n    return a + b\n", "She said: it's the user's turn, isn't it?",
  "<|im_start|>user and <tool_call> are names of tokens", '{"name": "search", "arguments": {"query": "weather in Paris"}}', "one two three four five 1 2 3 4 5", "größer, schöner, weiter: Übung macht den Meister"]
tokenizer = Tokenizer(models.BPE())
tokenizer.normalizer = normalizers.NFC()
tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
tokenizer.decoder = decoders.ByteLevel()
tokenizer.train_from_iterator(SENTENCES, trainers.BpeTrainer(vocab_size=390, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
tokenizer.add_special_tokens([AddedToken(name, special=True) for name in ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]])
tokenizer.add_tokens([AddedToken(name, special=False, normalized=False) for name in ["<tool_call>", "</tool_call>", "<think>", "</think>", "\N{SNOWMAN}"]])
texts = SENTENCES + ["\n\n  a\tb ", "日本語 🎉 e\u0301", "don't 12345", "<|im_end|><think>x</think>", ""]
checks = [{"text": t, "ids": tokenizer.encode(t, add_special_tokens=False).ids} for t in texts]
folder = Path(__file__).resolve().parents[2] / "fixtures" / "text"
folder.mkdir(parents=True, exist_ok=True)
(folder / "tiny-tokenizer.json").write_text(json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":")) + "\n")
(folder / "tiny-encodings.json").write_text(json.dumps(checks, ensure_ascii=False, separators=(",", ":")) + "\n")
