import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

// Synthetic tool conversations in verl's columns: node examples/sft/make-conversations.mjs [DIRECTORY]
// Writes train.jsonl (500 conversations) and val.jsonl (50 others), always the same.

const directory = process.argv[2] ?? 'data/tool-conversations';

const cities = ['Oslo', 'Lima', 'Cairo', 'Kyoto', 'Quito', 'Perth', 'Turin', 'Delhi', 'Austin', 'Nairobi'];
const skies = ['sunny', 'cloudy', 'rainy', 'windy', 'foggy', 'snowy'];
const names = ['Ada', 'Emmy', 'Kurt', 'Alan', 'Grace', 'Niels', 'Marie', 'Leon'];
const days = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday'];
const currencies = ['EUR', 'USD', 'JPY', 'CHF', 'GBP'];

/** A tool, and a conversation that needs it once. */
const kinds = [
  {
    tool: tool('get_weather', 'The weather in a city today.', { city: 'string' }),
    talk(pick) {
      const [city, sky, degrees] = [pick(cities), pick(skies), pick.int(-5, 35)];
      return {
        ask: pick([
          `What is the weather in ${city}?`,
          `How is the weather today in ${city}?`,
          `Do I need a coat in ${city}?`,
        ]),
        arguments: { city },
        answer: { sky, degrees },
        say: `In ${city} it is ${sky} at ${degrees} degrees.`,
      };
    },
  },
  {
    tool: tool('multiply', 'The product of two integers.', { a: 'integer', b: 'integer' }),
    talk(pick) {
      const [a, b] = [pick.int(12, 999), pick.int(12, 999)];
      return {
        ask: pick([`What is ${a} times ${b}?`, `Multiply ${a} by ${b}.`, `I need the product of ${a} and ${b}.`]),
        arguments: { a, b },
        answer: { product: a * b },
        say: `${a} times ${b} is ${a * b}.`,
      };
    },
  },
  {
    tool: tool('book_meeting', 'Books a meeting with a person.', { person: 'string', day: 'string', hour: 'integer' }),
    talk(pick) {
      const [person, day, hour] = [pick(names), pick(days), pick.int(8, 17)];
      const id = pick.int(1000, 9999);
      return {
        ask: pick([
          `Book a meeting with ${person} on ${day} at ${hour}.`,
          `Can I see ${person} on ${day}, ${hour} o'clock?`,
        ]),
        arguments: { person, day, hour },
        answer: { booked: true, id },
        say: `Your meeting with ${person} is on ${day} at ${hour}, number ${id}.`,
      };
    },
  },
  {
    tool: tool('exchange', 'Changes an amount of money.', { amount: 'number', from: 'string', to: 'string' }),
    talk(pick) {
      const [amount, from] = [pick.int(5, 500), pick(currencies)];
      const to = pick(currencies.filter((currency) => currency !== from));
      const result = pick.int(5, 900);
      return {
        ask: pick([`How much is ${amount} ${from} in ${to}?`, `Change ${amount} ${from} to ${to}, please.`]),
        arguments: { amount, from, to },
        answer: { result },
        say: `${amount} ${from} are ${result} ${to}.`,
      };
    },
  },
];

mkdirSync(directory, { recursive: true });
const random = generator(1);
const seen = new Set();
write('train.jsonl', 500);
write('val.jsonl', 50);

/** Conversations that no file has yet. */
function write(file, count) {
  const rows = [];
  while (rows.length < count) {
    const row = conversation(random);
    const asked = row.messages[0].content;
    if (seen.has(asked)) continue;
    seen.add(asked);
    rows.push(`${JSON.stringify(row)}\n`);
  }
  writeFileSync(join(directory, file), rows.join(''));
}

function conversation(pick) {
  const { tool, talk } = pick(kinds);
  const { ask, arguments: given, answer, say } = talk(pick);
  return {
    messages: [
      { role: 'user', content: ask },
      {
        role: 'assistant',
        content: '',
        tool_calls: [{ type: 'function', function: { name: tool.function.name, arguments: given } }],
      },
      { role: 'tool', name: tool.function.name, content: JSON.stringify(answer) },
      { role: 'assistant', content: say },
    ],
    tools: JSON.stringify([tool]),
  };
}

function tool(name, description, types) {
  const properties = Object.fromEntries(Object.entries(types).map(([key, type]) => [key, { type }]));
  return {
    type: 'function',
    function: { name, description, parameters: { type: 'object', properties, required: Object.keys(types) } },
  };
}

/** Picks one of a list; `int` a whole number from low to high. Mulberry32. */
function generator(seed) {
  let state = seed;
  const float = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const pick = (list) => list[Math.floor(float() * list.length)];
  pick.int = (low, high) => low + Math.floor(float() * (high - low + 1));
  return pick;
}
