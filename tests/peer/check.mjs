// Proves that the set-up works: one document goes in and comes out again.
import { readFileSync } from 'node:fs';
import { Database } from 's3db.js';

const database = new Database({ connectionString: 'memory://check/check', logLevel: 'silent' });
await database.connect();
const resource = await database.createResource({ name: 'checks', attributes: { word: 'string|required' } });
await resource.insert({ id: 'a', word: 'kept' });
const { word } = await resource.get('a');
if (word !== 'kept') {
  console.error(`s3db.js gave ${JSON.stringify(word)} back instead of "kept"`);
  process.exit(1);
}
const { version } = JSON.parse(readFileSync('node_modules/s3db.js/package.json', 'utf8'));
console.log(`s3db.js ${version} works on Node.js ${process.version}`);
// Its timers would keep the process alive.
process.exit(0);
