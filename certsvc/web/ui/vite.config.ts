// Builds the pages of holders, officers, counters and departments into ../built, which install.py serves. No HTML comes
// out of here: the frame of a page is pages/app.html, filled in by the service.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import vue from "@vitejs/plugin-vue";
import { defineConfig, type Plugin } from "vite";

/** Vant's icon font names a foreign host and needs a data: font, which our content policy forbids: we draw our own. */
function withoutIconFont(): Plugin {
  return {
    name: "without-icon-font",
    enforce: "pre",
    transform(code, id) {
      if (!/vant[/\\]es[/\\]icon[/\\]index\.css/.test(id)) return null;
      return { code: code.replace(/@font-face\s*\{[^}]*\}/g, ""), map: null };
    },
  };
}

/** Beside every file its compressed forms, so that the service never compresses while somebody waits. */
function compressed(folder: string): Plugin {
  return {
    name: "compressed",
    closeBundle() {
      for (const name of readdirSync(folder)) {
        const file = resolve(folder, name);
        const body = readFileSync(file);
        writeFileSync(`${file}.br`, brotliCompressSync(body));
        writeFileSync(`${file}.gz`, gzipSync(body, { level: 9 }));
      }
    },
  };
}

const BUILT = resolve(import.meta.dirname, "../built");

export default defineConfig({
  base: "/ui/",
  plugins: [withoutIconFont(), vue(), compressed(resolve(BUILT, "assets"))],
  publicDir: false,
  build: {
    target: "es2022",
    outDir: BUILT,
    emptyOutDir: true,
    manifest: "manifest.json",
    assetsInlineLimit: 0,
    // The polyfill would be one more script for browsers that cannot run the rest either.
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rollupOptions: {
      input: {
        holder: resolve(import.meta.dirname, "src/holder/main.ts"),
        officer: resolve(import.meta.dirname, "src/officer/main.ts"),
        counter: resolve(import.meta.dirname, "src/counter/main.ts"),
        department: resolve(import.meta.dirname, "src/department/main.ts"),
        worker: resolve(import.meta.dirname, "src/worker/worker.ts"),
      },
    },
  },
});
