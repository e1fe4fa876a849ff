"""What transformers says of a few texts under SmolLM2-135M-Instruct, loaded from a directory that verlet exported in float32.

Writes ../../fixtures/smollm2/transformers.json: float32, eager attention. A case is the ids of a text, the log-prob of each token given
those before it, and of the logits after the last token the 256 largest with their ids, and mean and deviation of all.
Run with torch and transformers installed: python transformers-logits.py DIRECTORY
"""

import json
import sys
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

OUT = Path(__file__).resolve().parents[2] / "fixtures" / "smollm2" / "transformers.json"
LARGEST = 256

PROSE = """The lighthouse at the end of the pier had been dark for eleven years when Marta bought it. Nobody in the village could say why \
she wanted it: the stairs were rotten, the lamp was gone, and in winter the sea came over the wall and into the kitchen. She said that \
she liked the quiet. In the first spring she replaced the stairs, one at a time, with oak from the old boatyard. In the second she \
found the lens of the lamp, wrapped in newspapers from 1932, under the floor of a barn. It took four people and a cart to bring it home. \
When it was lit again, on a Tuesday in October, the fishermen who saw it from the bay turned around, because by the map there was no \
light on that coast, and they thought that they were lost."""

CODE = '''def fibonacci(n):
    """Return the first n Fibonacci numbers."""
    numbers = [0, 1]
    while len(numbers) < n:
        numbers.append(numbers[-1] + numbers[-2])
    return numbers[:n]


for i, value in enumerate(fibonacci(12)):
    print(f"{i}: {value}")  # 0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89
'''

CONVERSATION = [
    {"role": "user", "content": "What is 17 + 25? Antworte auf Deutsch, s'il vous plaît. 🙂"},
    {"role": "assistant", "content": "17 + 25 = 42. Die Antwort ist zweiundvierzig."},
    {"role": "user", "content": "And which planet is closest to the Sun?"},
]


def main(directory):
    torch.set_num_threads(2)
    tokenizer = AutoTokenizer.from_pretrained(directory)
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager")
    chat = tokenizer.apply_chat_template(CONVERSATION, add_generation_prompt=True, tokenize=False)
    texts = {"prose": PROSE, "code": CODE, "conversation": chat}
    cases = [case(model, name, tokenizer(text)["input_ids"]) for name, text in texts.items()]
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps({"versions": versions, "cases": cases}, separators=(",", ":")) + "\n")


@torch.no_grad()
def case(model, name, ids):
    logits = model(torch.tensor([ids])).logits[0]
    logprobs = logits[:-1].log_softmax(-1)[torch.arange(len(ids) - 1), torch.tensor(ids[1:])]
    last = logits[-1].double()
    largest, at = last.topk(LARGEST)
    return {
        "name": name,
        "input_ids": ids,
        "logprobs": [round(value, 6) for value in logprobs.tolist()],
        "largest": [[token, round(value, 6)] for token, value in zip(at.tolist(), largest.tolist())],
        "mean": last.mean().item(),
        "deviation": last.std(correction=0).item(),
    }


if __name__ == "__main__":
    main(sys.argv[1])
