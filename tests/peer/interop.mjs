// Lets the real s3db.js open a database that this project has written, read every document, and change some.
//
// Usage: node interop.mjs INPUT.json OUTPUT.json
//
// INPUT   {"passphrase", "objects": [{"key", "metadata", "body_base64", "content_type"}], "updates": {resource: {id: changes}}}
//         keys below the prefix "db".
// OUTPUT  {"read": {resource: {id: document | {"$throws": message}}}, "objects": [… after the updates …]}
import fs from 'node:fs';
import { Database } from 's3db.js';

const [inputFile, outputFile] = process.argv.slice(2);
const input = JSON.parse(fs.readFileSync(inputFile, 'utf8'));

const db = new Database({
  connectionString: 'memory://visit/db',
  logLevel: 'silent',
  security: { passphrase: input.passphrase },
  strictValidation: false,
});
const client = db.client ?? null;
// The store is shared by bucket name within a process, so that it can be filled before the database connects.
const filler = client ?? (await openFiller());
for (const object of input.objects) {
  await filler.storage.put(object.key, {
    body: Buffer.from(object.body_base64, 'base64'),
    metadata: object.metadata,
    contentType: object.content_type,
  });
}
await db.connect();

const read = {};
for (const name of Object.keys(db.resources)) {
  read[name] = {};
  for (const id of await idsOf(name)) read[name][id] = await attempt(() => db.resources[name].get(id));
}
const failures = {};
for (const [name, documents] of Object.entries(input.updates ?? {})) {
  for (const [id, changes] of Object.entries(documents)) {
    const result = await attempt(() => db.resources[name].update(id, changes));
    if (result.$throws) (failures[name] ??= {})[id] = result.$throws;
  }
}
const objects = [...db.client.storage.objects.entries()].map(([key, object]) => ({
  key,
  metadata: object.metadata,
  body_base64: Buffer.from(object.body ?? '').toString('base64'),
  content_type: object.contentType,
}));
fs.writeFileSync(outputFile, JSON.stringify({ read, failures, objects }));
process.exit(0);

async function openFiller() {
  const other = new Database({ connectionString: 'memory://visit/other', logLevel: 'silent' });
  await other.connect();
  return other.client;
}

async function idsOf(name) {
  const prefix = `db/resource=${name}/data/id=`;
  return [...db.client.storage.objects.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
}

async function attempt(action) {
  try {
    const document = await action();
    return Object.fromEntries(Object.entries(document).filter(([name, value]) => !name.startsWith('_') && value !== undefined));
  } catch (error) {
    return { $throws: String(error.message) };
  }
}
