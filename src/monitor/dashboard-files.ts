import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file of the dashboard's page. */
export interface DashboardFile {
  readonly contentType: string;
  readonly bytes: Buffer;
  /** Whether its name changes with its content. */
  readonly isHashed: boolean;
}

/** Where `npm run build` puts it; the same from the sources as from `dist/`. */
const FOLDER = fileURLToPath(new URL('../../dist/dashboard/', import.meta.url));
const TYPES: { readonly [extension: string]: string } = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The built page by paths of URLs; nothing where it was not built. They are few and small, so they are kept. */
export function readDashboard(folder = FOLDER): ReadonlyMap<string, DashboardFile> {
  const files = new Map<string, DashboardFile>();
  for (const path of listFiles(folder)) {
    const contentType = TYPES[extname(path)];
    if (contentType === undefined) continue;
    const bytes = readFileSync(join(folder, path));
    files.set(path === 'index.html' ? '/' : `/${path}`, { contentType, bytes, isHashed: path.startsWith('assets/') });
  }
  return files;
}

function listFiles(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => path.replaceAll('\\', '/'));
  } catch {
    return [];
  }
}
