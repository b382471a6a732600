// Compresses the built page and writes the C++ file that holds it: each file as it is and under gzip, by .incbin, with
// its type and its hash. See server/api/web_assets.h.
//
//   node tools/embed.mjs DIST COMPRESSED OUT.cc
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';

const [dist, compressed, out] = process.argv.slice(2);
if (!out) {
  process.stderr.write('usage: embed.mjs DIST COMPRESSED OUT.cc\n');
  process.exit(2);
}
const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};
const pages = { '/index.html': '/', '/docs.html': '/docs' };

rmSync(compressed, { recursive: true, force: true });
mkdirSync(compressed, { recursive: true });
const files = readdirSync(dist, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
  .sort();

const assets = files.map((file, index) => {
  const path = `/${file.slice(join(dist, '/').length)}`;
  const type = types[extname(path)];
  if (!type) throw new Error(`${path}: no content type is known for "${extname(path)}"; add it to tools/embed.mjs`);
  const bytes = readFileSync(file);
  const packed = gzipSync(bytes, { level: 9 });
  const packedFile = resolve(compressed, `${index}.gz`);
  writeFileSync(packedFile, packed);
  const hash = createHash('sha256').update(bytes).digest('hex');
  return { index, path: pages[path] ?? path, type, file: resolve(file), packedFile, hash, immutable: path.startsWith('/assets/') };
});

const symbol = (name, file) => `    ".global ${name}\\n${name}:\\n.incbin \\"${file}\\"\\n.global ${name}_end\\n${name}_end:\\n"\n`;
const text = [
  '// Made by server/web/tools/embed.mjs out of the built page. Not for editing.\n',
  '#include <array>\n\n#include "server/api/web_assets.h"\n\n',
  'asm(".section .rodata\\n"\n',
  ...assets.map(({ index, file, packedFile, hash }) => `    // sha256 ${hash}\n${symbol(`reeve_web_${index}`, file)}${symbol(`reeve_web_gzip_${index}`, packedFile)}`),
  '    ".text\\n");\n\nextern "C" {\n',
  ...assets.map(({ index }) => `extern const char reeve_web_${index}[], reeve_web_${index}_end[], reeve_web_gzip_${index}[], reeve_web_gzip_${index}_end[];\n`),
  '}\n\nnamespace reeve::server {\n\nstd::span<const WebAsset> web_assets() {\n',
  `  static const std::array<WebAsset, ${assets.length}> all{{\n`,
  ...assets.map(
    ({ index, path, type, hash, immutable }) =>
      `      {"${path}", "${type}", "\\"${hash.slice(0, 32)}\\"", {reeve_web_${index}, reeve_web_${index}_end}, {reeve_web_gzip_${index}, reeve_web_gzip_${index}_end}, ${immutable}},\n`,
  ),
  '  }};\n  return all;\n}\n\n}  // namespace reeve::server\n',
].join('');
writeFileSync(out, text);
