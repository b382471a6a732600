// How the page is built: two entries (the page, and the reader of the API's description), everything in files of its
// own, so that a Content-Security-Policy without a single exception holds.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

const server = process.env.REEVE_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: 'es2022',
    cssTarget: 'chrome123', // keeps light-dark() as it is written
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false }, // an inline script
    rollupOptions: { input: ['index.html', 'docs.html'] },
  },
  server: { proxy: { '/v1': server, '/openapi.json': server } },
});
