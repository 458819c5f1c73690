// Times s3db.js on the same documents, sizes and concurrency as `s3db-bench`.
//
// Usage: node bench.mjs CONNECTION N CONCURRENCY
// Prints one JSON object a line: {workload, n, concurrency, seconds, per_second}.
import { Database } from 's3db.js';

const [connectionString, count, parallel] = process.argv.slice(2);
const N = Number(count);
const C = Number(parallel);

const attributes = {
  name: 'string|required', email: 'email|required', age: 'number|min:0', active: 'boolean', region: 'string',
  ip: 'ip4', score: 'number', bio: 'string', profile: { city: 'string', lang: 'string' }, tags: 'array|items:string',
};
const document = (i) => ({
  name: `User Number ${i}`, email: `user${i}@example.com`, age: 18 + (i % 60), active: i % 2 === 0,
  region: ['us', 'eu', 'ap', 'sa'][i % 4], ip: `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`,
  score: ((i * 37) % 10007) / 7, bio: 'Likes long walks on the beach and distributed systems. '.repeat(2),
  profile: { city: 'São Paulo', lang: 'pt-BR' }, tags: ['alpha', 'beta', `t${i % 10}`],
});
const id = (i) => `u${String(i).padStart(8, '0')}`;

const db = new Database({
  connectionString, logLevel: 'silent', parallelism: C,
  operationsPool: { concurrency: C }, executorPool: { concurrency: C },
});
await db.connect();
const suffix = Date.now().toString(36);
const resource = (name, attributes) =>
  db.createResource({ name: `${name}-${suffix}`, attributes, behavior: 'body-overflow', asyncPartitions: false, passphrase: 'secret' });

const users = await resource('users', attributes);
await timed('insert', N, C, (i) => users.insert({ id: id(i), ...document(i) }));
await timed('get', N, C, (i) => users.get(id(i)));
await timed('update', N, C, (i) => users.update(id(i), { age: 99 }));
await timed('replace', N, C, (i) => users.replace(id(i), document(i)));
await whole('list-all', N, async () => expect((await users.getAll()).length, N));
await whole('count', N, () => users.count());
await whole('query-scan', N, async () => expect((await users.query({ region: 'eu' }, { limit: N })).length, Math.floor((N + 2) / 4)));
const sequential = Math.min(N, 1000);
await timed('get-seq', sequential, 1, (i) => users.get(id(i)));
await timed('insert-seq', sequential, 1, (i) => users.insert({ id: `z${i}`, ...document(i) }));
await timed('delete', N, C, (i) => users.delete(id(i)));

const secrets = await resource('secrets', { name: 'string', token: 'secret' });
const few = Math.min(N, 200);
await timed('insert-secret', few, C, (i) => secrets.insert({ id: id(i), name: 'n', token: `tok-${i}` }));
await timed('get-secret', few, C, (i) => secrets.get(id(i)));

const vectors = await resource('vecs', { vector: 'embedding:1536' });
const vector = Array.from({ length: 1536 }, (_, i) => Math.sin(i) * 0.9);
const some = Math.min(N, 500);
await timed('insert-embedding-1536', some, C, (i) => vectors.insert({ id: id(i), vector }));
await timed('get-embedding-1536', some, C, (i) => vectors.get(id(i)));

const codec = 20000;
const sample = Array.from({ length: 100 }, (_, i) => document(i));
await whole('codec-encode', codec, async () => {
  for (let i = 0; i < codec; i++) await users.schema.mapper({ ...sample[i % 100] });
});
const encoded = await Promise.all(sample.map((document) => users.schema.mapper({ ...document })));
await whole('codec-decode', codec, async () => {
  for (let i = 0; i < codec; i++) await users.schema.unmapper(encoded[i % 100]);
});
console.log(JSON.stringify({ workload: 'rss', bytes: process.memoryUsage().rss }));
process.exit(0);

function timed(workload, n, concurrency, work) {
  let next = 0;
  const worker = async () => {
    while (next < n) await work(next++);
  };
  return report(workload, n, concurrency, () => Promise.all(Array.from({ length: concurrency }, worker)));
}

function whole(workload, n, work) {
  return report(workload, n, 1, work);
}

async function report(workload, n, concurrency, work) {
  const start = process.hrtime.bigint();
  await work();
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  console.log(JSON.stringify({ workload, n, concurrency, seconds, per_second: Math.round((n / seconds) * 10) / 10 }));
}

function expect(got, wanted) {
  if (got !== wanted) throw new Error(`got ${got} documents, wanted ${wanted}`);
}
