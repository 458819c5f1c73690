// Lets the real s3db.js list partitions that this project has written, and go on with its sequences.
//
// Usage: node partitions.mjs INPUT.json OUTPUT.json
//
// INPUT   {"objects": [{"key", "metadata", "body_base64", "content_type"}],
//          "lists": [{"resource", "partition", "values"}],
//          "inserts": [{"resource", "attributes", "idGenerator", "documents"}], "updates": [{"resource", "id", "changes"}]}
//         keys below the prefix "db".
// OUTPUT  {"lists": [{"ids", "documents"}], "inserts": [[id, …]], "objects": [… afterwards …]}
import fs from 'node:fs';
import { Database } from 's3db.js';

const [inputFile, outputFile] = process.argv.slice(2);
const input = JSON.parse(fs.readFileSync(inputFile, 'utf8'));
const options = { logLevel: 'silent', strictValidation: false };

// The store is shared by bucket name within a process, so that it can be filled before the database connects.
const filler = new Database({ ...options, connectionString: 'memory://visit/other' });
await filler.connect();
for (const object of input.objects) {
  await filler.client.storage.put(object.key, {
    body: Buffer.from(object.body_base64, 'base64'),
    metadata: object.metadata,
    contentType: object.content_type,
  });
}
const db = new Database({ ...options, connectionString: 'memory://visit/db' });
await db.connect();

const lists = [];
for (const { resource, partition, values } of input.lists) {
  const query = { partition, partitionValues: values };
  const ids = await db.resources[resource].listIds(query);
  const documents = await db.resources[resource].list(query);
  lists.push({ ids: [...ids].sort(), documents: documents.map((document) => document.id).sort() });
}
const inserts = [];
for (const { resource, attributes, idGenerator, documents } of input.inserts) {
  // s3db.js forgets the generator when it connects, and takes it again only for a resource that it does not have.
  delete db.resources[resource];
  const made = await db.createResource({ name: resource, attributes, idGenerator, behavior: 'body-overflow' });
  const ids = [];
  for (const document of documents) ids.push((await made.insert(document)).id);
  inserts.push(ids);
}
for (const { resource, id, changes } of input.updates) await db.resources[resource].update(id, changes);
// References are written after the call has returned.
await new Promise((resolve) => setTimeout(resolve, 500));

const objects = [...db.client.storage.objects.entries()].map(([key, object]) => ({
  key,
  metadata: object.metadata,
  body_base64: Buffer.from(object.body ?? '').toString('base64'),
  content_type: object.contentType,
}));
fs.writeFileSync(outputFile, JSON.stringify({ lists, inserts, objects }));
process.exit(0);
