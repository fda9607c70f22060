import { defineConfig } from 'vite';

// Whatever it was: another one would make another page, with paths of this machine in it.
process.env.NODE_ENV = 'production';

/** Builds the page into the package. Paths are relative: it may be served below a path. */
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  logLevel: 'warn',
  build: {
    outDir: '../dist/dashboard',
    emptyOutDir: true,
    target: 'es2022',
    // Older ones do not know light-dark().
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    license: { fileName: 'licenses.md' },
    modulePreload: false,
    rolldownOptions: { checks: { pluginTimings: false } },
    // The policy of the page allows no data: URLs.
    assetsInlineLimit: 0,
  },
});
