import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigFile } from '../../src/balance/sources/config-file.ts';
import { Told } from '../kubernetes/told.ts';

let folder: string;
let told: Told<number>;
let problems: Told<string>;
let file: ConfigFile<number>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'peregrine-config-'));
  [told, problems] = [new Told(), new Told()];
});
afterEach(() => {
  file.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** What is told by the system is to be seen without reading now and then, unless that is what is tested. */
async function start(pollMs = 3_600_000): Promise<string> {
  const path = join(folder, 'gateway.json');
  if (!existsSync(path)) writeFileSync(path, '1');
  file = new ConfigFile({ path, parse: (text) => Number(JSON.parse(text)), debounceMs: 20, pollMs });
  await file.start(told.tell, (error) => problems.tell((error as Error).message));
  return path;
}

const value = (wanted: number): Promise<number> => told.until((each) => each === wanted);

describe('a watched file', () => {
  it('is written in place, and replaced as editors do', async () => {
    const path = await start();
    writeFileSync(path, '2');
    await value(2);
    writeFileSync(join(folder, '.gateway.json.swp'), '3');
    renameSync(join(folder, '.gateway.json.swp'), path);
    await value(3);
    renameSync(path, `${path}~`);
    writeFileSync(path, '4');
    await value(4);
    writeFileSync(path, '5');
    await value(5);
    expect(told.all).toEqual([1, 2, 3, 4, 5]);
  });

  it('is replaced by Kubernetes: the link to the folder of the version before', async () => {
    const version = (name: string, text: string): void => {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'gateway.json'), text);
      symlinkSync(name, join(folder, '..data_tmp'));
      renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
    };
    version('..1', '1');
    symlinkSync(join('..data', 'gateway.json'), join(folder, 'gateway.json'));
    await start();
    for (let next = 2; next < 5; next++) {
      version(`..${next}`, String(next));
      rmSync(join(folder, `..${next - 1}`), { recursive: true });
      await value(next);
    }
    expect([told.all, problems.all]).toEqual([[1, 2, 3, 4], []]);
  });

  it('is half written, deleted and back', async () => {
    const path = await start();
    writeFileSync(path, '[2');
    await problems.until((message) => message.includes('JSON'));
    writeFileSync(path, '2');
    await value(2);
    unlinkSync(path);
    await problems.until((message) => message.startsWith('ENOENT'));
    writeFileSync(path, '3');
    await value(3);
    expect(told.all).toEqual([1, 2, 3]);
  });

  it('changes where the system tells nothing: behind a link to another folder', async () => {
    const elsewhere = join(folder, 'elsewhere');
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, 'real.json'), '1');
    symlinkSync(join(elsewhere, 'real.json'), join(folder, 'gateway.json'));
    const path = await start(100);
    writeFileSync(join(elsewhere, 'real.json'), '2');
    await value(2);
    expect(readFileSync(path, 'utf8')).toBe('2');
  });
});
