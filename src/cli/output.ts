/** Where a command writes; in tests, and where the output is piped, not a terminal. */
export interface Output {
  out(text: string): void;
  error(text: string): void;
  /** Width of the terminal, or nothing where there is none. */
  readonly columns: number | undefined;
}

export function createProcessOutput(): Output {
  // `peregrine ... | head` closes the pipe early; that is the reader's choice and no failure of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  return {
    out: (text) => void process.stdout.write(process.stdout.isTTY ? toPrintable(text) : text),
    error: (text) => void process.stderr.write(process.stderr.isTTY ? toPrintable(text) : text),
    columns: process.stdout.columns > 0 ? process.stdout.columns : undefined, // a terminal may say 0: it does not know
  };
}

/** A remote server's text must not steer the terminal: control characters go, line breaks and tabs stay. */
export function toPrintable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
}

/** Rows with their columns aligned; the last column is cut where the terminal ends. */
export function toTable(rows: readonly (readonly string[])[], columns: number | undefined): string {
  const cells = rows.map((row) => row.map((cell) => cell.replace(/\s+/g, ' ').trim()));
  const widths: number[] = [];
  for (const row of cells)
    row.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, cell.length);
    });
  return cells
    .map((row) => {
      const line = row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd();
      const text = `  ${line}`;
      return columns !== undefined && text.length > columns
        ? `${text.slice(0, Math.max(1, columns - 3))}...\n`
        : `${text}\n`;
    })
    .join('');
}
