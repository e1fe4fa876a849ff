const OPEN = '<answer>';
const CLOSE = '</answer>';

/** What stands in the last pair of answer tags, or the whole text where there is none; trimmed. */
export function taggedAnswer(text: string): string {
  const end = text.lastIndexOf(CLOSE);
  const start = end < 0 ? -1 : text.lastIndexOf(OPEN, end);
  return (start < 0 ? text : text.slice(start + OPEN.length, end)).trim();
}
