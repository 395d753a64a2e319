// SPDX-License-Identifier: Apache-2.0
// Run statements in DuckDB, in memory, and print what the last one took: {"s": seconds}. The start of node and the
// opening of the database do not count.
//
//   node duckdb.mjs FOLDER THREADS STATEMENT...
//
// FOLDER is where npm put @duckdb/node-api (its node_modules).
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [folder, threads, ...statements] = process.argv.slice(2);
const { DuckDBInstance } = createRequire(join(folder, 'x.js'))('@duckdb/node-api');
const instance = await DuckDBInstance.create(':memory:', { threads });
const connection = await instance.connect();
let s;
for (const statement of statements) {
    const before = process.hrtime.bigint();
    await connection.run(statement);
    s = Number(process.hrtime.bigint() - before) / 1e9;
}
console.log(JSON.stringify({ s }));
