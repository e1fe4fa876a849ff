/** What SmolLM2 is asked, in the order of their use: short answers, lists, code, other languages, arithmetic. */
export const questions: readonly string[] = [
  'What is the capital of France?',
  'Write a Python function that reverses a string.',
  'Name three primary colors.',
  'Was ist die Hauptstadt von Deutschland?',
  'Write a haiku about the sea.',
  'What is 12 + 30?',
  'Explain why the sky is blue in two sentences.',
  'Give me a recipe for pancakes.',
  'Translate "good morning" into Spanish.',
  'Who was the first president of the United States?',
  'List the planets of the solar system.',
  'What does HTTP stand for?',
  'Write a short story about a dragon who is afraid of fire.',
  'How do I sort a list in JavaScript?',
  'What is the boiling point of water in degrees Celsius?',
  'Summarize the plot of Romeo and Juliet in one sentence.',
  'Quelle est la couleur du ciel ?',
  'What are the benefits of regular exercise?',
  'Write an email asking for a day off.',
  'Tell me a joke. 🙂',
];

/** A few hundred tokens of prose. */
export const longText = `The lighthouse at the end of the pier had been dark for eleven years when Marta bought it. Nobody in the village could \
say why she wanted it: the stairs were rotten, the lamp was gone, and in winter the sea came over the wall and into the kitchen. She said \
that she liked the quiet. In the first spring she replaced the stairs, one at a time, with oak from the old boatyard. In the second she \
found the lens of the lamp, wrapped in newspapers from 1932, under the floor of a barn. It took four people and a cart to bring it home. \
When it was lit again, on a Tuesday in October, the fishermen who saw it from the bay turned around, because by the map there was no \
light on that coast, and they thought that they were lost. def area(radius): return 3.14159 * radius ** 2  # in m², not cm². \
Сегодня хорошая погода, и мы идём гулять.`;
