import { describe, expect, it } from 'vitest';
import { openReader, readAnswer } from '../../../balance/answers.ts';

const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;

const allCuts = (text: string): number[] => Array.from({ length: text.length - 1 }, (_, index) => index + 1);

describe('what is an answer', () => {
  const GOOD: readonly [title: string, text: string, body: string][] = [
    ['a body of a length', `${OK}Content-Length: 5\r\n\r\nhello`, 'hello'],
    ['an empty body', `${OK}Content-Length: 0\r\n\r\n`, ''],
    ['chunks', `${CHUNKED}3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n`, 'hello'],
    ['chunks with extensions', `${CHUNKED}5;a;b=c;d="e, \t;f"\r\nhello\r\n0;z\r\n\r\n`, 'hello'],
    ['chunks and a trailer', `${CHUNKED}00A\r\nhellohello\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\n`, 'hellohello'],
    [
      'interim answers before it',
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}Content-Length: 2\r\n\r\nhi`,
      'hi',
    ],
    ['no content', 'HTTP/1.1 204 No Content\r\n\r\n', ''],
    ['not modified, with the length of what it is not', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', ''],
    ['a status line without a reason', 'HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx', 'x'],
  ];

  it.each(GOOD)('%s, whole and byte by byte', (_title, text, body) => {
    for (const cuts of [[], allCuts(text)]) {
      const log = readAnswer(text, cuts);
      expect(log.wrong).toBeUndefined();
      expect(log.answers.map((answer) => [answer.body.toString(), answer.reusable])).toEqual([[body, true]]);
    }
  });

  it('ends with the connection where nothing says otherwise', () => {
    const log = readAnswer(`${OK}X: 1\r\n\r\nhello`, [30], true);
    expect([log.last.body.toString(), log.last.reusable]).toEqual(['hello', false]);
    expect(readAnswer(`${OK}X: 1\r\n\r\nhello`).last.reusable).toBeUndefined();
  });

  it.each([
    ['length', `${OK}Content-Length: 5\r\n\r\nhell`],
    ['chunk', `${CHUNKED}5\r\nhell`],
    ['last chunk', `${CHUNKED}5\r\nhello\r\n0\r\n`],
    ['head', OK],
    ['nothing', ''],
  ])('is not complete when the connection ends within: %s', (_title, text) => {
    const { reader, log } = openReader();
    reader.read(Buffer.from(text));
    reader.finish();
    expect(log.isCut).toBe(true);
    expect(log.answers.filter(({ reusable }) => reusable !== undefined)).toEqual([]);
  });
});

describe('an answer without a body that announces one', () => {
  it('ends its connection, though its head repeats an earlier one but for the length', () => {
    const { reader, log } = openReader();
    for (const length of [0, 5]) {
      reader.expect();
      reader.read(Buffer.from(`HTTP/1.1 204 No Content\r\nContent-Length: ${length}\r\n\r\n`));
    }
    expect(log.answers.map(({ reusable }) => reusable)).toEqual([true, false]);
  });
});

describe('what is refused', () => {
  it.each([
    ['a length and chunks', `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`],
    ['two lengths', `${OK}Content-Length: 5\r\nContent-Length: 6\r\n\r\n`],
    ['the same length twice', `${OK}Content-Length: 5\r\nContent-Length: 5\r\n\r\n`],
    ['a list of lengths', `${OK}Content-Length: 5, 5\r\n\r\n`],
    ['a length with a sign', `${OK}Content-Length: +5\r\n\r\n`],
    ['a length in hexadecimals', `${OK}Content-Length: 0x5\r\n\r\n`],
    ['an empty length', `${OK}Content-Length:\r\n\r\n`],
    ['a length beyond all bounds', `${OK}Content-Length: 99999999999999999999\r\n\r\n`],
    ['another transfer coding', `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n`],
    ['a transfer coding with a tab', `${OK}Transfer-Encoding: chunked\t\r\n\r\n`],
    ['chunked twice', `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`],
    ['chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['a blank before the colon', `${OK}Content-Length : 5\r\n\r\n`],
    ['a folded line', `${OK}X: a\r\n b\r\nContent-Length: 0\r\n\r\n`],
    ['a bare line feed', `${OK}X: a\nContent-Length: 0\r\n\r\n`],
    ['a bare carriage return', `${OK}X: a\rb\r\nContent-Length: 0\r\n\r\n`],
    ['a zero byte', `${OK}X: a\0\r\nContent-Length: 0\r\n\r\n`],
    ['a field without a name', `${OK}: a\r\nContent-Length: 0\r\n\r\n`],
    ['a field without a colon', `${OK}Xa\r\nContent-Length: 0\r\n\r\n`],
    ['another protocol', 'HTTP/2 200 OK\r\n\r\n'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['a switch of protocols', 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'],
    ['an interim answer of HTTP/1.0', 'HTTP/1.0 100 Continue\r\n\r\n'],
    ['an interim answer with a body', 'HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n'],
    ['an interim answer that is to close', 'HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\n'],
    ['endless interim answers', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(20)],
    ['a chunk size that is none', `${CHUNKED}xyz\r\n`],
    ['an empty chunk size', `${CHUNKED}\r\n`],
    ['a negative chunk size', `${CHUNKED}-5\r\n`],
    ['a blank after a chunk size', `${CHUNKED}5 \r\nhello\r\n`],
    ['a chunk size beyond all bounds', `${CHUNKED}fffffffffffffffff\r\n`],
    ['a bare line feed after a chunk size', `${CHUNKED}5\nhello\r\n0\r\n\r\n`],
    ['a chunk longer than its size', `${CHUNKED}4\r\nhello\r\n0\r\n\r\n`],
    ['an endless extension', `${CHUNKED}5;${'a'.repeat(2_000)}`],
    ['an extension over two lines', `${CHUNKED}5;a="b\nc"\r\nhello\r\n0\r\n\r\n`],
    ['a length in the trailer', `${CHUNKED}0\r\nContent-Length: 5\r\n\r\n`],
    ['a malformed trailer', `${CHUNKED}0\r\nX : 5\r\n\r\n`],
    ['an endless trailer', `${CHUNKED}0\r\nX: ${'a'.repeat(20_000)}`],
    ['an endless head', `${OK}X: ${'a'.repeat(20_000)}`],
    ['too many fields', `${OK}${'a:\r\n'.repeat(1_100)}\r\n`],
  ])('%s, whole and byte by byte', (_title, text) => {
    for (const cuts of [[], text.length > 1_000 ? [] : allCuts(text)]) {
      const log = readAnswer(text, cuts);
      expect(log.wrong).toBeTypeOf('string');
      expect(log.answers.filter(({ reusable }) => reusable !== undefined)).toEqual([]);
    }
  });

  it('bytes that nobody asked for, and anything after them', () => {
    const { reader, log } = openReader();
    reader.read(Buffer.from(`${OK}Content-Length: 0\r\n\r\n`));
    reader.read(Buffer.from(OK));
    reader.read(Buffer.from('X: 1\r\n\r\n'));
    expect(log.wrong).toBe('bytes without a request');
    expect(log.answers).toHaveLength(1);
  });
});

describe('whether the connection may be used again', () => {
  it.each([
    ['by default', `${OK}Content-Length: 0\r\n\r\n`, true],
    ['not when it is to close', `${OK}Content-Length: 0\r\nConnection: x, Close\r\n\r\n`, false],
    ['not in HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n', false],
    ['in HTTP/1.0 when it says so', 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n\r\n', true],
    ['not with bytes after the answer', `${OK}Content-Length: 1\r\n\r\nxy`, false],
    ['not with a length where no body can be', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n', false],
    ['not with chunks where no body can be', 'HTTP/1.1 304 X\r\nTransfer-Encoding: chunked\r\n\r\n', false],
  ])('%s', (_title, text, reusable) => {
    const log = readAnswer(text);
    expect([log.wrong, log.last.reusable]).toEqual([undefined, reusable]);
  });
});

describe('header fields', () => {
  it('have lower-case names and values without blanks around them; repeated ones are joined', () => {
    const { headers } = readAnswer(
      `${OK}X-A: \t one \r\nx-a:two\r\nSet-Cookie: a=1, b\r\nset-cookie: c=2\r\nX-Latin: caf\xe9\r\nContent-Length: 0\r\n\r\n`,
    ).last;
    expect([...headers.entries()]).toEqual([
      ['x-a', 'one, two'],
      ['set-cookie', 'a=1, b'],
      ['set-cookie', 'c=2'],
      ['x-latin', 'caf\xe9'],
      ['content-length', '0'],
    ]);
    expect(['x-a', 'set-cookie', 'content-length', 'other'].map((name) => headers.get(name))).toEqual([
      'one, two',
      'a=1, b, c=2',
      '0',
      undefined,
    ]);
  });

  it('of a repeated block are the same but for the length, and share what the receiver remembers', () => {
    const { reader, log } = openReader();
    for (const body of ['one', 'twelve bytes', 'x']) {
      reader.expect();
      reader.read(Buffer.from(`${OK}X: a\r\nContent-Length: ${body.length}\r\nY: b\r\n\r\n${body}`));
      log.last.headers.memo ??= body;
    }
    expect(
      log.answers.map(({ body, headers }) => [body.toString(), headers.get('content-length'), headers.memo]),
    ).toEqual([
      ['one', '3', 'one'],
      ['twelve bytes', '12', 'one'],
      ['x', '1', 'one'],
    ]);
    reader.expect();
    reader.read(Buffer.from(`${OK}X: b\r\nContent-Length: 1\r\nY: b\r\n\r\nx`));
    expect([log.last.headers.get('x'), log.last.headers.memo]).toEqual(['b', undefined]);
  });

  it('share that too where an answer has no length', () => {
    const { reader, log } = openReader();
    for (const body of ['one', 'two']) {
      reader.expect();
      reader.read(Buffer.from(`${CHUNKED}3\r\n${body}\r\n0\r\n\r\n`));
      log.last.headers.memo ??= body;
    }
    const found = log.answers.map(({ body, headers }) => [
      body.toString(),
      headers.memo,
      headers.get('content-length'),
    ]);
    expect(found).toEqual([
      ['one', 'one', undefined],
      ['two', 'one', undefined],
    ]);
    reader.expect();
    reader.read(Buffer.from(CHUNKED.replace('\r\n\r\n', '\r\nX: 1\r\n\r\n0\r\n\r\n'.slice(0, -5))));
    expect([log.last.headers.get('x'), log.last.headers.memo]).toEqual(['1', undefined]);
  });

  it('do not change when the same block comes with another length', () => {
    const { reader, log } = openReader();
    reader.read(Buffer.from(`${OK}Content-Length: 3\r\n\r\none`));
    const first = log.last.headers;
    reader.expect();
    reader.read(Buffer.from(`${OK}Content-Length: 1\r\n\r\nx`));
    expect([...first.entries()]).toEqual([['content-length', '3']]);
  });
});

describe('pausing', () => {
  const CHUNKS = `${CHUNKED}1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n`;

  it('holds back what was read already, and goes on with it', () => {
    const { reader, log } = openReader();
    log.onData = () => reader.pause();
    reader.read(Buffer.from(CHUNKS));
    expect(log.last.body.toString()).toBe('a');
    reader.resume();
    expect(log.last.body.toString()).toBe('ab');
    log.onData = () => {};
    reader.resume();
    expect([log.last.body.toString(), log.last.reusable]).toEqual(['abc', true]);
  });

  it('may be over again at once', () => {
    const { reader, log } = openReader();
    log.onData = () => {
      reader.pause();
      reader.resume();
    };
    reader.read(Buffer.from(CHUNKS));
    expect([log.last.body.toString(), log.last.reusable]).toEqual(['abc', true]);
  });

  it('keeps an end of the connection for later when bytes are held back', () => {
    const { reader, log } = openReader();
    log.onData = () => reader.pause();
    reader.read(Buffer.from(CHUNKS));
    reader.finish();
    expect([log.isCut, reader.isBehind]).toEqual([false, true]);
    log.onData = () => {};
    reader.resume();
    expect([log.last.body.toString(), log.last.reusable]).toEqual(['abc', true]);
  });

  it('does not hide that the connection ended within the answer', () => {
    const { reader, log } = openReader();
    log.onData = () => reader.pause();
    reader.read(Buffer.from(CHUNKS.slice(0, -3)));
    reader.finish();
    log.onData = () => {};
    expect(log.isCut).toBe(false);
    reader.resume();
    expect([log.last.body.toString(), log.last.reusable, log.isCut]).toEqual(['abc', undefined, true]);
  });

  it('does not hold the connection when the body is complete', () => {
    const { reader, log } = openReader();
    log.onData = () => reader.pause();
    reader.read(Buffer.from(`${OK}Content-Length: 2\r\n\r\nhi`));
    expect([log.last.body.toString(), log.last.reusable]).toEqual(['hi', true]);
  });
});

it('says nothing more after it was stopped in the middle of a piece', () => {
  const { reader, log } = openReader();
  log.onData = () => reader.stop();
  reader.read(Buffer.from(`${CHUNKED}1\r\na\r\n1\r\nb\r\n0\r\n\r\n`));
  expect([log.last.body.toString(), log.last.reusable, log.wrong]).toEqual(['a', undefined, undefined]);
});
