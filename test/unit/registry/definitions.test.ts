import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { OptionError } from '../../../src/kernel/errors.ts';
import { ResourceTemplate } from '../../../src/registry/registry.ts';
import { modern } from '../support/http.ts';
import { namesOf } from '../support/messages.ts';
import { serverWith, text } from '../support/test-server.ts';

const contents = () => ({ contents: [] });
const messages = () => ({ messages: [] });

function cyclic(): object {
  const value: Record<string, unknown> = {};
  value.self = value;
  return value;
}

/** Members that all kinds of entry have. */
const COMMON: readonly (readonly [string, unknown])[] = [
  ['title', 5],
  ['title', {}],
  ['description', 5],
  ['description', ['text']],
  ['icons', 'x'],
  ['icons', [5]],
  ['icons', [{ src: 5 }]],
  ['_meta', 'x'],
  ['_meta', []],
  ['_meta', { n: 5n }],
  ['_meta', cyclic()],
];

describe('a definition that clients could not read', () => {
  it.each(COMMON)('is refused at registration, and by an update: %s %o', async (member, value) => {
    const wrong = { [member]: value } as object;
    const server = serverWith();
    const tool = server.registerTool('good', {}, () => text(''));
    const named = (name: string) => expect.objectContaining({ message: expect.stringContaining(`"${name}"`) });
    expect(() => server.registerTool('bad', wrong, () => text(''))).toThrow(named('bad'));
    expect(() => server.registerPrompt('bad', wrong, messages)).toThrow(named('bad'));
    expect(() => server.registerResource('bad', 'x://bad', wrong, contents)).toThrow(named('bad'));
    expect(() => tool.update(wrong)).toThrow(named('good'));
    expect(namesOf(await modern(server, 'tools/list'), 'tools')).toEqual(['good']);
  });

  it.each([
    ['annotations', 'x'],
    ['annotations', 5],
    ['annotations', { title: 5n }],
  ])('is refused for a tool and a resource: %s %o', (member, value) => {
    const wrong = { [member]: value } as object;
    expect(() => serverWith().registerTool('bad', wrong, () => text(''))).toThrow(OptionError);
    expect(() => serverWith().registerResource('bad', 'x://bad', wrong, contents)).toThrow(OptionError);
  });

  it.each([
    ['mimeType', 5],
    ['size', 'x'],
    ['size', -1],
    ['size', Number.NaN],
  ])('is refused for a resource: %s %o', (member, value) => {
    const wrong = { [member]: value } as object;
    expect(() => serverWith().registerResource('bad', 'x://bad', wrong, contents)).toThrow(OptionError);
  });
});

describe('completion that cannot work', () => {
  it.each([[5], ['x'], [[]], [{ a: 5 }], [{ a: null }], [{ other: () => [] }]])(
    'is refused for a prompt: %o',
    (complete) => {
      const config = { argsSchema: { a: z.string() }, complete } as object;
      expect(() => serverWith().registerPrompt('bad', config, messages)).toThrow(
        expect.objectContaining({ message: expect.stringContaining('"bad"') }),
      );
    },
  );

  it.each([[5], ['x'], [{ a: 5 }], [{ other: () => [] }]])('is refused for a family: %o', (complete) => {
    expect(() => new ResourceTemplate('x://{a}', { list: undefined, complete } as never)).toThrow(OptionError);
  });
});

describe('a family', () => {
  it.each([
    ['a template that is none', [5, { list: undefined }]],
    ['no callbacks', ['x://{a}']],
    ['callbacks that are none', ['x://{a}', 'x']],
    ['a list that is no function', ['x://{a}', { list: 5 }]],
  ])('needs a template and callbacks: %s', (_what, args) => {
    const [template, callbacks] = args as [string, { list: undefined }];
    expect(() => new ResourceTemplate(template, callbacks)).toThrow(OptionError);
  });
});
