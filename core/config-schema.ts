import { z } from 'zod';

type Path = readonly PropertyKey[];

/** The keys allowed at the path of the schema; where it is a union, those of the alternatives that fit the input best. */
export function keysAt(schema: unknown, path: Path, input: unknown): string[] {
  return unique(objectsAt(schema, path, input).flatMap((object) => Object.keys(object.shape)));
}

/** Every dotted key below the schema, sections and leaves, through unions but not into lists. */
export function dottedKeys(schema: unknown, prefix = ''): string[] {
  const objects = alternatives(schema, undefined).filter((option) => option instanceof z.ZodObject);
  return unique(
    objects.flatMap((object) =>
      Object.entries(object.shape).flatMap(([key, field]) => [
        `${prefix}${key}`,
        ...dottedKeys(field, `${prefix}${key}.`),
      ]),
    ),
  );
}

/** The names a union chooses by at this path (`{ key: 'name', names: ['a', 'b'] }`), if it is one. */
export function discriminatorAt(
  schema: unknown,
  path: Path,
  input: unknown,
): { key: string; names: string[] } | undefined {
  const found = schemasAt(schema, path, input).find((option) => option instanceof z.ZodDiscriminatedUnion);
  if (found === undefined) return undefined;
  const key = found.def.discriminator;
  return { key, names: found.options.flatMap((option) => literals(option, key)) };
}

/** What stands at the path of the input, undefined where nothing does. */
export function valueAt(input: unknown, path: Path): unknown {
  let value = input;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

function objectsAt(schema: unknown, path: Path, input: unknown): z.ZodObject[] {
  return schemasAt(schema, path, input)
    .flatMap((found) => alternatives(found, valueAt(input, path)))
    .filter((option) => option instanceof z.ZodObject);
}

function schemasAt(schema: unknown, path: Path, input: unknown): unknown[] {
  const [key, ...rest] = path;
  if (key === undefined) return [unwrap(schema)];
  const below = valueAt(input, [key]);
  return alternatives(schema, input).flatMap((option) => {
    if (option instanceof z.ZodObject) {
      const field: unknown = option.shape[String(key)];
      return field === undefined ? [] : schemasAt(field, rest, below);
    }
    if (option instanceof z.ZodArray) return schemasAt(option.element, rest, below);
    if (option instanceof z.ZodRecord) return schemasAt(option.valueType, rest, below);
    return [];
  });
}

function alternatives(schema: unknown, input: unknown): unknown[] {
  const plain = unwrap(schema);
  if (plain instanceof z.ZodDiscriminatedUnion) {
    const chosen = valueAt(input, [plain.def.discriminator]);
    const fitting = plain.options.filter((option) =>
      literals(option, plain.def.discriminator).some((name) => name === chosen),
    );
    return (fitting.length > 0 ? fitting : plain.options).flatMap((option) => alternatives(option, input));
  }
  if (plain instanceof z.ZodUnion) return plain.options.flatMap((option) => alternatives(option, input));
  return [plain];
}

function literals(option: unknown, key: string): string[] {
  const plain = unwrap(option);
  const field: unknown = plain instanceof z.ZodObject ? unwrap(plain.shape[key]) : undefined;
  if (field instanceof z.ZodLiteral) return [...field.values].map(String);
  return field instanceof z.ZodEnum ? field.options.map(String) : [];
}

function unwrap(schema: unknown): unknown {
  let plain = schema;
  for (;;) {
    if (
      plain instanceof z.ZodDefault ||
      plain instanceof z.ZodPrefault ||
      plain instanceof z.ZodOptional ||
      plain instanceof z.ZodNullable ||
      plain instanceof z.ZodReadonly ||
      plain instanceof z.ZodCatch
    ) {
      plain = plain.def.innerType;
    } else if (plain instanceof z.ZodPipe) {
      plain = plain.def.in instanceof z.ZodTransform ? plain.def.out : plain.def.in;
    } else return plain;
  }
}

function unique(words: readonly string[]): string[] {
  return [...new Set(words)];
}
