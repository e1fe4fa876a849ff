/**
 * The printable characters that stand for bytes in the vocabularies of byte-level tokenizers (GPT-2, byte_encoder): printable
 * Latin-1 stands for itself, the other bytes in order for U+0100 onwards.
 */
export const characterOfByte: readonly string[] = makeAlphabet();

export const byteOfCharacter: ReadonlyMap<string, number> = new Map(characterOfByte.map((c, byte) => [c, byte]));

function makeAlphabet(): string[] {
  let stand = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : stand++));
}

function isPrintable(byte: number): boolean {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}
