/** What begins a text that is written as JSON. */
const MARK = '\uFFFD';

/** Writes any text so that UTF-8 carries it whole, which has one form for all lone surrogates. */
export function toExact(text: string): string {
  return text.isWellFormed() && !text.startsWith(MARK) ? text : MARK + JSON.stringify(text);
}

/** The text that {@link toExact} wrote. */
export function fromExact(written: string): string {
  return written.startsWith(MARK) ? (JSON.parse(written.slice(MARK.length)) as string) : written;
}
