import fc from 'fast-check';
import { MetaKey, MODERN_VERSION } from '../../../src/wire/wire.ts';

/** How a client writes JSON: what it puts around the signs. */
interface Style {
  readonly open: string;
  readonly colon: string;
  readonly comma: string;
}
type Member = readonly [key: string, value: string];

/** All of a client's calls that does not change from one to the next. */
export interface Shape {
  readonly style: Style;
  readonly isModern: boolean;
  readonly name: string;
  /** Where the members stand, by their index; orders that are longer repeat a member. */
  readonly order: readonly number[];
  readonly paramOrder: readonly number[];
  readonly extra: readonly Member[];
  readonly meta: readonly Member[];
}

export interface CallParts {
  readonly id: string;
  readonly args: string;
}

const STYLES: readonly Style[] = [
  { open: '', colon: ':', comma: ',' },
  { open: '', colon: ': ', comma: ', ' },
  { open: '\n  ', colon: ': ', comma: ',\n  ' },
  { open: ' ', colon: ':', comma: ' ,' },
  { open: '', colon: ' :', comma: ',\t' },
];
const KEYS = ['id', 'arguments', 'name', '_meta', 'params', 'jsonrpc', '__proto__', 'constructor', 'a', 'é', '"id":1'];
const TRICKY = ['"id":1', '{"id":7}', '"arguments":{}', '\\', '\u2028', '😀', '', 'a"b', '{"a":{}}'];

const text = fc.oneof(fc.constantFrom(...TRICKY), fc.string({ unit: 'grapheme', maxLength: 8 }));
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    text,
    fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean(), fc.constant(null)),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...KEYS), tie('any'), { maxKeys: 4, noNullPrototype: false }),
  ),
})).any;
/** As texts: the ways in which clients write numbers are among what matters. */
const written = fc.oneof(
  { weight: 12, arbitrary: value.map((each) => JSON.stringify(each)) },
  { weight: 1, arbitrary: fc.constantFrom('-0', '1e3', '1E-2', '123456789012345678901234567890', '0.10', '"\\u0041"') },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 12 }).map((depth) => '['.repeat(depth) + ']'.repeat(depth)) },
);
const member = fc.tuple(fc.constantFrom(...KEYS), written);
const args = fc.oneof(
  { weight: 10, arbitrary: fc.array(member, { maxLength: 4 }).map((members) => object(members, STYLES[0] as Style)) },
  {
    weight: 2,
    arbitrary: fc.constantFrom('{"region":"eu"}', '{"region":"us"}', '{"region":7}', '{"n":5}', '{"n":"x"}'),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.array(member, { maxLength: 3 }), fc.constantFrom(...STYLES)).map((all) => object(...all)),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('{}', ' {}', '{ }', 'null', '[]', '"{}"', '7', '', '{}}', '{},"name":"other"'),
  },
);
const id = fc.oneof(
  { weight: 6, arbitrary: fc.nat().map(String) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('0', '999999999999999', '1000000000000000', '9007199254740991', '9007199254740992'),
  },
  { weight: 1, arbitrary: fc.constantFrom('-0', '-7', '00', '07', '1e3', '1.0', '1.5', '"7"', '""', 'null', '') },
);
/** Ids that are followed by more of the number, alike in each call of a client. */
const idTail = fc.oneof(
  { weight: 8, arbitrary: fc.constant('') },
  fc.constantFrom('0e-1', '.0', '.00000000000000000000001', 'e0', ' '),
);

/** The calls of one client: what they share, and what they do not. */
export const shape: fc.Arbitrary<Shape & { readonly idTail: string }> = fc.record({
  style: fc.oneof({ weight: 5, arbitrary: fc.constant(STYLES[0] as Style) }, fc.constantFrom(...STYLES)),
  isModern: fc.boolean(),
  name: fc.constantFrom('echo', 'echo', 'region', 'typed', 'none'),
  order: fc.oneof(
    { weight: 4, arbitrary: fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }) },
    fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 4 }),
    fc.shuffledSubarray([0, 1, 2, 3, 0, 1, 3], { minLength: 5 }),
  ),
  paramOrder: fc.oneof(
    { weight: 4, arbitrary: fc.shuffledSubarray([0, 1, 2], { minLength: 3 }) },
    fc.shuffledSubarray([0, 1, 2, 0, 1, 2], { minLength: 2 }),
  ),
  extra: fc.array(member, { maxLength: 1 }),
  meta: fc.array(member, { maxLength: 3 }),
  idTail,
});
export const callParts: fc.Arbitrary<CallParts> = fc.record({ id, args });

function object(members: readonly Member[], { open, colon, comma }: Style): string {
  return `{${open}${members.map(([key, each]) => JSON.stringify(key) + colon + each).join(comma)}${open}}`;
}

/** The text of one call of a client. */
export function callText(
  { style, isModern, name, order, paramOrder, extra, meta, idTail: tail }: Shape & { readonly idTail: string },
  parts: CallParts,
): string {
  const envelope: Member[] = [
    [MetaKey.protocolVersion, JSON.stringify(MODERN_VERSION)],
    [MetaKey.clientCapabilities, '{"elicitation":{}}'],
    [MetaKey.clientInfo, '{"name":"id","version":"1"}'],
  ];
  const params: Member[] = [
    ['name', JSON.stringify(name)],
    ['arguments', parts.args],
    ['_meta', object(isModern ? [...envelope, ...meta] : meta, style)],
  ];
  const members: Member[] = [
    ['jsonrpc', '"2.0"'],
    ['id', parts.id + tail],
    ['method', '"tools/call"'],
    [
      'params',
      object(
        paramOrder.map((index) => params[index] as Member),
        style,
      ),
    ],
    extra[0] ?? ['extra', '1'],
  ];
  return object(
    order.map((index) => members[index] as Member),
    style,
  );
}

const SIGNS = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '0',
  '1',
  '9',
  '.',
  'e',
  '-',
  ' ',
  '\n',
  '\\',
  'a',
  'é',
  '\ufeff',
  '\0',
];

/** A small change of a text, most often near one of the seams: the ends of the id and of the arguments. */
export const mutation = fc
  .record({
    seam: fc.nat(5),
    offset: fc.integer({ min: -3, max: 3 }),
    at: fc.nat(),
    near: fc.nat(3),
    cut: fc.nat(2),
    put: fc.array(fc.constantFrom(...SIGNS), { maxLength: 2 }),
  })
  .map(({ seam, offset, at, near, cut, put }) => (whole: string, { id: idText, args: argsText }: CallParts): string => {
    const idAt = Math.max(0, whole.indexOf(`"id"`) + 5);
    const argsAt = Math.max(0, whole.indexOf(`"arguments"`) + 12);
    const seams = [idAt, idAt + idText.length, argsAt, argsAt + argsText.length, 0, whole.length];
    const from =
      near === 0 ? at % (whole.length + 1) : Math.min(whole.length, Math.max(0, (seams[seam] as number) + offset));
    return whole.slice(0, from) + put.join('') + whole.slice(from + cut);
  });
