// Lets the real s3db.js open a database that this project has written, read content, and set some.
//
// Usage: node content.mjs INPUT.json OUTPUT.json
//
// INPUT   {"objects": [{"key", "metadata", "body_base64", "content_type"}], "set": {resource: {id: {base64, content_type}}}}
//         keys below the prefix "db".
// OUTPUT  {"read": {resource: {"ours": {title, n, content, has_content}}}, "objects": [… after the writes …]}
import fs from 'node:fs';
import { Database } from 's3db.js';

const [inputFile, outputFile] = process.argv.slice(2);
const input = JSON.parse(fs.readFileSync(inputFile, 'utf8'));

const db = new Database({ connectionString: 'memory://visit/db', logLevel: 'silent', strictValidation: false });
const client = db.client ?? (await openFiller());
for (const object of input.objects) {
  await client.storage.put(object.key, {
    body: Buffer.from(object.body_base64, 'base64'),
    metadata: object.metadata,
    contentType: object.content_type,
  });
}
await db.connect();

const read = {};
for (const [name, resource] of Object.entries(db.resources)) {
  const { title, n } = await resource.get('ours');
  const { buffer, contentType } = await resource.content('ours');
  const content = { base64: Buffer.from(buffer).toString('base64'), content_type: contentType };
  read[name] = { ours: { title, n, content, has_content: await resource.hasContent('ours') } };
  for (const [id, { base64, content_type }] of Object.entries(input.set[name] ?? {})) {
    await resource.setContent({ id, buffer: Buffer.from(base64, 'base64'), contentType: content_type });
  }
}
const objects = [...db.client.storage.objects.entries()].map(([key, object]) => ({
  key,
  metadata: object.metadata,
  body_base64: Buffer.from(object.body ?? '').toString('base64'),
  content_type: object.contentType,
}));
fs.writeFileSync(outputFile, JSON.stringify({ read, objects }));
process.exit(0);

async function openFiller() {
  const other = new Database({ connectionString: 'memory://visit/other', logLevel: 'silent' });
  await other.connect();
  return other.client;
}
