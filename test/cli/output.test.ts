import { describe, expect, it } from 'vitest';
import { toPrintable, toTable } from '../../src/cli/output.ts';

describe("the command line's output", () => {
  it('takes control characters out of text for a terminal, but no line breaks and tabs', () => {
    expect(toPrintable('a\u001b[31mred\u001b]0;title\u0007\r\n\tb\u009bc')).toBe('a[31mred]0;title\n\tbc');
  });

  it('aligns columns, keeps each row on one line and cuts it where the terminal ends', () => {
    const rows = [
      ['a', 'first\nline', 'x'],
      ['longer', '', 'a long description'],
    ];
    expect(toTable(rows, undefined)).toBe('  a       first line  x\n  longer              a long description\n');
    expect(toTable(rows, 30)).toBe('  a       first line  x\n  longer              a lon...\n');
    expect(toTable([], 80)).toBe('');
  });
});
