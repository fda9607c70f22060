import { type } from 'arktype';
import { describe, expectTypeOf, it } from 'vitest';
import * as z from 'zod';
import type { InferSchema, ServerContext, Variables } from '../../../src/registry/registry.ts';
import { ResourceTemplate } from '../../../src/registry/registry.ts';
import { serverWith, text } from '../support/test-server.ts';

const contents = { contents: [] };
const messages = { messages: [] };

describe('the types of handlers', () => {
  it('follow a zod schema: what it returns, not what it takes', () => {
    const inputSchema = z.object({
      id: z.number(),
      tag: z.string().optional(),
      size: z.number().default(1),
      when: z.string().transform(Number),
    });
    serverWith((server) =>
      server.registerTool('t', { inputSchema }, (args, context) => {
        expectTypeOf(args).toEqualTypeOf<z.output<typeof inputSchema>>();
        expectTypeOf(args.when).toEqualTypeOf<number>();
        expectTypeOf(args.size).toEqualTypeOf<number>();
        expectTypeOf(context).toEqualTypeOf<ServerContext>();
        return text('');
      }),
    );
  });

  it('follow an arktype schema', () => {
    serverWith((server) =>
      server.registerTool('t', { inputSchema: type({ id: 'number', 'tag?': 'string' }) }, (args) => {
        expectTypeOf(args.id).toEqualTypeOf<number>();
        expectTypeOf(args).toEqualTypeOf<{ id: number; tag?: string }>();
        return text('');
      }),
    );
  });

  it('follow a plain object of field schemas', () => {
    const shape = { id: z.number(), tag: z.string().optional(), size: z.number().default(1) };
    expectTypeOf<InferSchema<typeof shape>>().toEqualTypeOf<{ id: number; size: number; tag?: string | undefined }>();
    serverWith((server) =>
      server.registerTool('t', { inputSchema: { id: z.number(), word: type('string') } }, async (args) => {
        expectTypeOf(args).toEqualTypeOf<{ id: number; word: string }>();
        return text('');
      }),
    );
  });

  it('are open for a JSON Schema', () => {
    serverWith((server) =>
      server.registerTool('t', { inputSchema: { type: 'object', properties: { a: { type: 'string' } } } }, (args) => {
        expectTypeOf(args).toEqualTypeOf<Record<string, unknown>>();
        return text('');
      }),
    );
  });

  it('have the context alone where there is no schema', () => {
    serverWith((server) => {
      server.registerTool('t', { title: 'T' }, (context) => {
        expectTypeOf(context).toEqualTypeOf<ServerContext>();
        expectTypeOf(context.signal).toEqualTypeOf<AbortSignal>();
        return text('');
      });
      server.registerPrompt('p', {}, (context) => {
        expectTypeOf(context).toEqualTypeOf<ServerContext>();
        return messages;
      });
    });
  });

  it('follow the arguments of a prompt', () => {
    serverWith((server) =>
      server.registerPrompt(
        'p',
        { argsSchema: { topic: z.string(), tone: z.string().optional() } },
        ({ topic, tone }) => {
          expectTypeOf(topic).toEqualTypeOf<string>();
          expectTypeOf(tone).toEqualTypeOf<string | undefined>();
          return messages;
        },
      ),
    );
  });

  it('tell a resource from a family', () => {
    serverWith((server) => {
      const one = server.registerResource('r', 'x://r', {}, (uri, context) => {
        expectTypeOf(uri).toEqualTypeOf<URL>();
        expectTypeOf(context).toEqualTypeOf<ServerContext>();
        return contents;
      });
      const family = new ResourceTemplate('x://{a}', { list: undefined });
      const many = server.registerResource('f', family, {}, (_uri, variables, context) => {
        expectTypeOf(variables).toEqualTypeOf<Variables>();
        expectTypeOf(context).toEqualTypeOf<ServerContext>();
        return contents;
      });
      expectTypeOf(one.target).toEqualTypeOf<string>();
      expectTypeOf(many.target).toEqualTypeOf<ResourceTemplate>();
    });
  });

  it('refuse what a handler cannot return or take', () => {
    expectTypeOf<ReturnType<ReturnType<typeof serverWith>['registerTool']>>().toHaveProperty('update');
    const neverCalled = (server: ReturnType<typeof serverWith>) => {
      // @ts-expect-error a tool answers a result, not text
      server.registerTool('a', {}, () => 'text');
      // @ts-expect-error the schema has no such field
      server.registerTool('b', { inputSchema: { id: z.number() } }, ({ other }) => text(other));
      // @ts-expect-error a tool has no such member
      server.registerTool('c', { description: 5 }, () => text(''));
      // @ts-expect-error a prompt answers messages
      server.registerPrompt('d', {}, () => ({ contents: [] }));
      // @ts-expect-error `list` must be given, even if undefined
      new ResourceTemplate('x://{a}', {});
    };
    expectTypeOf(neverCalled).returns.toBeVoid();
  });
});
