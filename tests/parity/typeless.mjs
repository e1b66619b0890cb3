// Runs a TypeScript file of this folder with any Node from 20 on: a Node that leaves types out by itself is let do so, and for
// others they are taken out here. That is no reader of TypeScript: it knows lines that begin with `type`, and annotations that
// are one word of those, or of the list below, perhaps an array of it. What it took too much or too little would not run.
//
//     node tests/parity/typeless.mjs attestation.ts
import { readFileSync } from "node:fs";

const file = new URL(process.argv[2], import.meta.url);
if (process.features.typescript) {
  await import(file);
} else {
  const source = readFileSync(file, "utf8");
  const known = [...source.matchAll(/^type (\w+) =/gm)].map(([, name]) => name);
  const words = [...known, "any", "boolean", "number", "string", "Buffer", "RegExp"].join("|");
  const plain = source
    .replace(/^type .*$/gm, "")
    .replace(new RegExp(`(?<=[\\w)]): (?:${words})(?:\\[\\])?(?=[,)]| [={])`, "g"), "")
    .replaceAll("import.meta.url", JSON.stringify(import.meta.url));
  await import("data:text/javascript;base64," + Buffer.from(plain).toString("base64"));
}
