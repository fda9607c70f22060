import { connect, type RemoteCatalogue } from './adapter/client.ts';
import { EXIT } from './cli-error.ts';
import { type ConnectionOptions, parseUrl } from './connection.ts';
import { type Output, toTable } from './output.ts';

export interface ListOptions extends ConnectionOptions {
  /** Print everything as one JSON object. */
  readonly json: boolean;
}

/** Shows what a server offers. @returns The exit code. */
export async function list(url: string, options: ListOptions, output: Output): Promise<number> {
  const server = await connect(parseUrl(url), options);
  try {
    const catalogue = await server.list();
    if (options.json) output.out(`${JSON.stringify(catalogue, null, 2)}\n`);
    else output.out(toSections(catalogue, output.columns));
    return EXIT.ok;
  } finally {
    await server.close();
  }
}

function toSections(
  { server, protocol, tools, resources, resourceTemplates, prompts }: RemoteCatalogue,
  columns: number | undefined,
): string {
  const sections: [title: string, rows: string[][]][] = [
    [
      'Tools',
      tools.map(({ name, inputSchema, title, description }) => [
        name,
        toParameters(inputSchema),
        description ?? title ?? '',
      ]),
    ],
    ['Resources', resources.map(({ uri, name, title, description }) => [uri, name, description ?? title ?? ''])],
    [
      'Resource templates',
      resourceTemplates.map(({ uriTemplate, name, title, description }) => [
        uriTemplate,
        name,
        description ?? title ?? '',
      ]),
    ],
    [
      'Prompts',
      prompts.map(({ name, arguments: parameters, title, description }) => [
        name,
        (parameters ?? []).map((parameter) => `${parameter.name}${parameter.required === true ? '' : '?'}`).join(', '),
        description ?? title ?? '',
      ]),
    ],
  ];
  const name = server === undefined ? 'A server without a name' : `${server.name} ${server.version}`;
  const body = sections.map(([title, rows]) => `\n${title} (${rows.length})\n${toTable(rows, columns)}`).join('');
  return `${name}, protocol ${protocol}\n${body}`;
}

/** The names of a tool's arguments, those that may be left out with a question mark. */
function toParameters(schema: {
  readonly properties?: object | undefined;
  readonly required?: readonly string[] | undefined;
}): string {
  const required = new Set(schema.required);
  return Object.keys(schema.properties ?? {})
    .map((name) => (required.has(name) ? name : `${name}?`))
    .join(', ');
}
