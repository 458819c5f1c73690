// Asks s3db.js what it makes of a few thousand pairs of schema and document, and records its answers.
//
// Usage, in a folder where s3db.js 21.6.2 is installed:
//   TZ=UTC node differential.mjs > REPOSITORY/tests/fixtures/differential.json
//
// The pairs come from a fixed seed, so the same release of s3db.js gives the same file. One schema a line:
//   {"a": attributes, "x": "refused"}                        s3db.js does not compile it
//   {"a": attributes, "c": [[document, {"v": document}],          accepted, with the sanitised document
//                           [document, 1],                        accepted as it was
//                           [document, {"e": [[field, code]]}]]}  rejected
// The values of secrets and passwords are recorded as "*": sealed text differs from run to run.
import { Database } from 's3db.js';

let state = 20260;
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const int = (n) => Math.floor(random() * n);
const pick = (list) => list[int(list.length)];
const some = (list, n) => {
  const rest = [...list];
  return Array.from({ length: Math.min(n, rest.length) }, () => rest.splice(int(rest.length), 1)[0]);
};

const ABSENT = Symbol('absent');
const generic = [ABSENT, null, '', ' ', 'abc', '  abc  ', 'ABC', '5', '-1.5', 0, 1, -1, 5, 1.5, 1e21, true, false, [], ['a'], [1, 2],
  {}, { a: 1 }, 'true', 'off', 'null', '0x1f', '1e3', 'Infinity', 'ção', '😀', 'a\nb', 'a|b', 'a:b'];
const texts = ['', 'a', 'ab', 'abc', 'abcd', 'abcde', 'AbC', ' ab ', '\u00a0ab\ufeff', 'éé', '😀😀', 'a b', 'a-b_c', 'abc123', '123', '-12.50', '1.', '.5',
  'deadBEEF', 'abc12', 'YWJj', 'YWI=', 'YQ==', 'YQ=', 'line\nline', 'İ', 'ß', 'x'.repeat(40), 'foo bar', 'foo'];
const numbers = [0, -0, 1, -1, 2, 3, 5, 10, 10.5, -10, 99.99, 100, 1e15, 1e-7, 123456789012, '7', ' 8 ', '9.5', '', '0b11', '0o17', '1_0', '+3', '1e400', '12abc', true];

const values = {
  string: texts, text: texts, secret: texts, any: generic, json: [...generic, { deep: [1, { x: null }] }, '{"a":1}', '[1]'],
  number: numbers, secretNumber: numbers, money: [...numbers, 19.99, -0.01], crypto: [...numbers, 0.00000001], decimal: [...numbers, -1.555],
  boolean: ['true', 'false', '1', '0', 'on', 'off', 'yes', 'TRUE', 1, 0, 2, -0, true, false],
  email: ['a@b.c', 'a@b', '@b.c', 'a@b.', 'a@.c', 'a@b..c', 'a b@c.d', 'a@b@c.d', 'ü@x.com', 'first.last@sub.example.org', 'A@B.CO', ' a@b.co ', '"q q"@x.org',
    '"q"@x.org', 'a@[1.2.3.4]', 'a@x.c', 'a..b@x.org', 'x'.repeat(30) + '@y.zz', 'a@b.c.', 'aé@é.co', '@@b.c', 'a@@b.c', ''],
  url: ['http://a', 'https://example.com/x?y=z', 'ftp://a', 'http://', 'http:// a', 'HTTP://a', 'https://a b', ' http://a', 'example.com', 'http://😀', 'httpss://a', ''],
  uuid: ['123e4567-e89b-12d3-a456-426614174000', '123E4567-E89B-42D3-A456-426614174000', '00000000-0000-0000-0000-000000000000', '123e4567-e89b-42d3-c456-426614174000',
    '123e4567-e89b-92d3-a456-426614174000', '018f4d7e-7b2c-7c3a-8b1e-0123456789ab', '123e4567e89b12d3a456426614174000', '123e4567-e89b-12d3-c456-426614174000',
    '123e4567-e89b-52d3-8456-42661417400', 'g23e4567-e89b-12d3-a456-426614174000', '123e4567-e89b-02d3-a456-426614174000', '1ec9414c-232a-6b00-b3c8-9e6bdeced846'],
  mac: ['AA:BB:CC:DD:EE:FF', 'aabbccddeeff', 'aa-bb-cc-dd-ee-0f', 'aabb.ccdd.eeff', 'aa:bb:cc:dd:ee', 'gg:bb:cc:dd:ee:ff', 'aa:bb:cc:dd:ee:ff:00', 'a.a.b-b:ccddeeff'],
  luhn: ['4111111111111111', '4111 1111 1111 1111', '4111111111111112', '0', '00', 'abc', '79927398713', '79927398710', '4111-1111-1111-1111 x', ''],
  ip4: ['1.2.3.4', '255.255.255.255', '0.0.0.0', '999.1.1.1', '1.2.3', 'abc', ' 10.0.0.1 ', '01.2.3.4', '1.2.3.4.5', ''],
  ip6: ['::1', '::', '2001:db8::1', '2001:DB8:0:0:0:0:0:1', '::ffff:1.2.3.4', '1:2:3:4:5:6:7:8', 'fe80::1%eth0', '1:2', ':::', 'xyz', '1::2::3', ' ::1 '],
  cidr: ['10.0.0.0/8', '192.168.1.0/24', '1.2.3.4/33', '256.1.1.1/8', '010.0.0.0/08', '1.2.3/8', '1.2.3.4', '1.2.3.4/', '1.2.3.4/0', ' 1.2.3.4/8', '2001:db8::/32', '1.2.3.4/123'],
  phone: ['+5511999999999', '11 99999-9999', '(11) 9999.9999', '123456', '1234567', '+123456789012345', '1234567890123456', '++123456789', '12a4567', '0044123456789', '+0123456789', '1+234567890', '  +1 555 0100 99'],
  color: ['#fff', '#FF5733', 'ff5733', 'F57', '#ff', '#ggg', '#ff57331', '##fff', 'red', '#FfF', '#abcdef00'],
  semver: ['1.2.3', 'v1.2.3', '1.2', '1.2.3-rc1', '01.002.3', 'vv1.2.3', '1.1000.5', '1.2.1000', '10.20.30', '999.999.999', '1.2.3.4', 'V1.2.3', '1.2.x'],
  duration: [0, 1, 1500.5, -1, 90000, 'PT1H30M', 'P1D', 'P1DT2H3M4.5S', 'PT0.5S', 'P', 'PT', 'P1DT', 'PT1.5H', 'PT30M1H', '1h30m', '90m', '1.5h', '500ms', '1d2h3m4s5ms', '1H', '10', 'soon',
    '5 m', 'm', '-5m', '1h1h', 'ms', '2 days', 'PT1S ', '1.5.5h', '0s', 'P1W', '1ms2ms', '.5h'],
  cron: ['* * * * *', '0 */5 * * *', '1-5 0 * * 1,2', '0 0 1-31/2 * *', '  0   0 * *  * ', '* * * *', '* * * * * *', '@daily', '0 0 * JAN *', '*/x * * * *', '1-5,10/2 * * * *', '5-1 99 * * *', '0 0 1, * *', '0\t0 * * *', '-1 * * * *', '1/2/3 * * * *', '1--2 * * * *'],
  locale: ['pt-BR', 'pt_br', 'EN', 'en', 'eng', 'e', 'pt-BRA', 'pt BR', 'pt-', 'p1', 'zh-Hans', 'pt-br-x'],
  currency: ['USD', 'brl', 'US', 'USDT', 'U$D', ' usd'],
  country: ['BR', 'us', 'BRA', 'b', '12', 'b r'],
  ean: ['12345678', '123456789012', '1234567890123', '12345678901234', '123456789', '1234567a', 12345678, 0, 1.5, -1, 123456789012345, 99999999999999, ' 12345678'],
  datetime: ['2024-01-15', '2024-01-15T10:20:30Z', '2024-01-15T10:20:30.123Z', '2024-01-15T10:20:30', '2024-01-15T10:20', '2024-01-15T10:20:30+02:00', '2024-01-15 10:20:30', '2024-01', '2024', '2024-02-30',
    '2024-13-01', '2023-02-29', '2024-02-29', '+012024-01-01T00:00:00Z', '-000001-01-01T00:00:00Z', '-000000-01-01', 'Jan 15, 2024', '15 Jan 2024 10:20:30 GMT', '2024/01/15', '1/2/2024', 'tomorrow', '', 0, 1705314030123, -1, 1.9, 8.64e15, 8.65e15,
    '2024-01-15T24:00:00Z', '2024-01-15T25:00:00Z', '2024-01-15T10:60:00Z', '2024-01-15T10:20:30.1Z', '2024-01-15T10:20:30.123456Z', '2024-01-15T10:20:30-0330', '2024-1-5', '1969-12-31T23:59:59.999Z', '0099-01-01', '2024-01-15T', '2024-01-15T10', '2024-01-15Z'],
  timeonly: ['10:20', '10:20:30', '10:20:30.5', '10:20:30.123', '10:20:30.1234', '24:00', '23:59:59.999', '1:20', '10:60', '10', '2024-01-15T10:20:30Z', '10:20:61', '', '00:00', '10:20Z', 'Tuesday'],
  array: [[], [1], ['a'], ['a', 'b'], ['a', 'a'], [1, 1.0, 2], [1, '1'], [null], ['x', 5], [[1], [1]], ['a', 'b', 'c', 'd'], [' a '], ['5', 'x'], [true], [{}], 'a', 5, {}],
  embedding: [[], [1], [1, 2], [0.1, -0.5, 1], ['1', 2, 3], ['x', 1, 2], [1, null, 2], [1, 2, 3, 4], 'a', [[1], 2, 3]],
  object: [{}, { a: 1 }, { a: 'x', b: 2 }, { a: 'x', zz: 1 }, [], 'a', { a: null }, { b: '3' }, { a: ' t ', b: true, c: 1, d: 2 }, 5],
  record: [{}, { a: 1 }, { a: '5', b: 7 }, { a: 'x' }, { 'long-key': 1 }, [], 'a', { a: null }, { 1: 2 }],
  tuple: [[], ['a', 1], ['a', '5'], ['a'], ['a', 1, 2], [1, 1], ['a', 'x'], 'a', [null, 1], { 0: 'a' }],
  point: [[1, 2], [-23.5, -46.6], { lat: 1, lon: 2 }, { latitude: 1, longitude: 2 }, { latitude: 100, longitude: 2 }, [1], [1, 2, 3], 'x', [91, 0], [0, 181], { lat: 'x', lon: 1 }],
  bytes: ['YWJj', 'YQ==', 'YQ', '!!!', 'AQID', '', 'AQ==', 'AQI=', 5],
  enum: ['a', 'b', 'c', 'A', '', 1, 2, '1', true, null, 'a,b'],
};

const schemas = [];
const add = (definition, pool, n = 12) => schemas.push([{ v: definition }, pool, n]);

// Every type in pipe form, alone and with the rules of all types.
const types = {
  string: 'string', text: 'text', any: 'any', json: 'json', number: 'number', money: 'number', crypto: 'number', decimal: 'number', boolean: 'boolean', bool: 'boolean',
  email: 'email', url: 'url', uuid: 'uuid', mac: 'mac', luhn: 'luhn', ip4: 'ip4', ip6: 'ip6', cidr: 'cidr', phone: 'phone', color: 'color', semver: 'semver', duration: 'duration',
  cron: 'cron', locale: 'locale', currency: 'currency', country: 'country', ean: 'ean', date: 'datetime', datetime: 'datetime', dateonly: 'datetime', timeonly: 'timeonly',
  array: 'array', embedding: 'embedding', object: 'object', 'geo:lat': 'number', 'geo:lon': 'number', 'geo:point': 'point', buffer: 'bytes', bits: 'bytes',
};
for (const [type, pool] of Object.entries(types)) {
  add(type, [...values[pool], ...generic], 60);
  add(`${type}|required`, [...values[pool], ABSENT, null], 8);
  add(`${type}|optional`, [...values[pool], ABSENT, null], 12);
  add(`${type}|nullable`, [ABSENT, null, ...some(values[pool], 2)], 4);
  add(`${type}|optional|nullable`, [ABSENT, null], 2);
  if (!['text', 'bool', 'bits', 'luhn', 'embedding'].includes(type)) add({ type, optional: true }, [...values[pool], ABSENT, null, ...some(generic, 4)], 14);
  if (type !== 'text' && type !== 'bool') add({ type }, [...values[pool], ABSENT, null], 8);
  add([type, 'boolean'], [...some(values[pool], 5), true, 'on', ABSENT, null, {}], 9);
}
for (const type of ['secret', 'secretAny', 'secretNumber']) {
  const pool = values[type] ?? generic;
  add(type, [...pool, ABSENT, null], 16);
  add(`${type}|optional`, [ABSENT, null, ...some(pool, 3)], 5);
}
add('secret|min:3|max:5', texts, 14);
for (const type of ['password', 'password:bcrypt', 'password:argon2id']) {
  add(`${type}|min:4`, ['a', 'ab', 5, null, ABSENT, 'abcd', ''], 7);
  add(`${type}|optional|max:2`, ['abc', ABSENT, null, {}], 4);
}

// Texts.
const textRules = ['min:2', 'max:4', 'length:3', 'empty:false', 'empty:true', 'numeric', 'alpha', 'alphanum', 'alphadash', 'hex', 'base64', 'singleLine', 'contains:oo', 'contains:5', 'trim:false',
  'trimLeft', 'trimRight', 'padStart:6', 'padEnd:5', 'padChar:*', 'lowercase', 'uppercase', 'localeLowercase', 'localeUppercase', 'convert', 'optional', 'nullable', 'pattern:^[a-c]+$', 'pattern:\\d', 'pattern:^\\w{2,}$',
  'min:0', 'max:0', 'alpha:false', 'trim'];
for (const rule of textRules) add(`string|${rule}`, [...texts, ...generic], 24);
for (let i = 0; i < 60; i++) add(`string|${some(textRules, 2 + int(3)).join('|')}`, [...texts, ...generic], 10);
for (let i = 0; i < 30; i++) {
  const rules = Object.fromEntries(some([['min', 2], ['max', 4], ['length', 3], ['empty', false], ['enum', ['abc', 'foo', '5']], ['pattern', '^a'], ['pattern', '[A-Z]'], ['patternFlags', 'i'], ['contains', 'b'], ['trim', false],
    ['lowercase', true], ['uppercase', true], ['padStart', 5], ['padChar', 'xy'], ['numeric', true], ['optional', true], ['nullable', true], ['convert', true], ['label', 'The text']], 1 + int(4)));
  add({ type: 'string', ...rules }, [...texts, ...generic], 10);
}
for (const [pattern, flags] of [['^a|b$', ''], ['^A.C$', 'i'], ['^a.b$', 's'], ['^line$', 'm'], ['^\\S+$', ''], ['^[\\w-]+$', ''], ['[^]', ''], ['^[[a]+$', ''], ['\\bab\\b', ''], ['^\\d+$', ''], ['^(?:ab)+', 'g'], ['^\\u0061', ''], ['^\\/|^a', ''], ['\\.', ''], ['^.$', 'u']]) {
  add({ type: 'string', pattern, patternFlags: flags }, [...texts, 'a\nb', 'line\nx', 'x ab y', 'abab', '٣', 'a\u2028b', '[a', '/x', 'a.b'], 22);
}
for (const word of ['email', 'url', 'uuid', 'semver', 'ip4', 'phone']) add(`string|${word}`, values[word], 8);
for (const rules of ['unknownRule', 'required|email', 'minn:2', 'unique']) add(`string|${rules}`, texts, 4);
add('email|unique', values.email, 4);

// Numbers.
const numberRules = ['min:0', 'max:10', 'min:2.5', 'equal:5', 'notEqual:5', 'integer', 'positive', 'negative', 'convert:false', 'optional', 'nullable', 'integer:true', 'min:-1', 'max:-1'];
for (const rule of numberRules) add(`number|${rule}`, [...numbers, ...generic], 24);
for (let i = 0; i < 40; i++) add(`${pick(['number', 'number', 'money', 'decimal:3', 'crypto:4', 'money:3', 'geo:lat', 'geo:lon:4'])}|${some(numberRules, 2 + int(2)).join('|')}`, [...numbers, ...generic], 9);
for (let i = 0; i < 12; i++) add({ type: pick(['number', 'money', 'decimal', 'geo:lat', 'geo-lon']), ...Object.fromEntries(some([['min', 1], ['max', 10], ['integer', true], ['optional', true], ['convert', false], ['positive', true]], 2)) }, [...numbers, ...generic], 9);
add('boolean|convert:false', [...values.boolean, ...generic], 20);
add('date|convert', values.datetime, 40);
add({ type: 'date', convert: true, optional: true }, values.datetime, 20);

// Rules of the other types.
for (const d of ['email|mode:precise', 'email|mode:quick', 'email|normalize', 'email|empty:true', 'email|min:5|max:10', 'email|mode:precise|normalize|max:20']) add(d, [...values.email, ...generic], 24);
for (const d of ['url|empty:true', 'url|empty:false', 'url|optional']) add(d, [...values.url, null], 12);
for (const d of ['uuid|version:4', 'uuid|version:1', 'uuid|version:7', { type: 'uuid', version: 4 }]) add(d, values.uuid, 12);
for (const d of [{ type: 'enum', values: ['a', 'b'] }, { type: 'enum', values: [1, 2] }, { type: 'enum', values: ['a', 1, true], optional: true }, { type: 'enum', values: ['a'], default: 'a' }]) add(d, [...values.enum, ABSENT], 12);
for (const d of ['enum:a,b', 'enum|values:a,b', 'string|enum:a,b', 'enum']) add(d, values.enum, 4);
for (const d of ['equal|value:5', 'equal|value:abc', 'equal|value:5|strict', 'equal|value:true']) add(d, [...generic, '5', 5], 20);
add('forbidden', generic, 8);
add('forbidden|remove', generic, 8);
for (const d of ['bits:8', 'bits:12', 'bits:8|optional', 'buffer|optional', 'geo:point:4', 'geo:point|optional']) add(d, [...values.bytes, ...values.point, ABSENT, null], 14);
for (const d of ['text|min:2', 'text|compress:gzip', 'bool|optional', 'integer', 'objectID', 'function', 'strng', 'string | min:2']) add(d, texts, 4);

// Arrays.
const arrayRules = ['items:string', 'items:number', 'items:boolean', 'empty:false', 'min:2', 'max:2', 'length:2', 'unique', 'contains:a', 'convert', 'optional', 'nullable', 'items:email', 'items:uuid'];
for (const rule of arrayRules) add(`array|${rule}`, [...values.array, ...generic], 26);
for (let i = 0; i < 40; i++) add(`array|${some(arrayRules, 2 + int(2)).join('|')}`, [...values.array, ...generic], 10);
for (const d of ['string[]', 'number[]', 'boolean[]', 'string[]|min:1', 'email[]', { type: 'array', items: 'string|min:2' }, { type: 'array', items: { type: 'number', min: 2 } }, { type: 'array', enum: ['a', 'b'] },
  { type: 'array', items: 'string|optional' }, { type: 'array', items: { type: 'string', default: 'z' } }, { type: 'array', items: { type: 'array', items: 'number' } }, { type: 'array', items: ['string', 'number'] },
  { type: 'array', items: { type: 'object', props: { a: 'string', b: 'number|optional' } } }, { type: 'array', items: { name: 'string' } }, { type: 'array', items: 'ip4' }]) {
  add(d, [...values.array, [[1, '2'], ['x']], [{ a: 'x', b: '2', c: 3 }, { b: 1 }], [{ name: 'n' }], ['ab', 'c'], [3, 1]], 20);
}
for (const d of ['embedding:3', 'embedding|length:3', 'embedding:3|optional', 'embedding|optional', { type: 'embedding', length: 3 }, { type: 'embedding:3' }]) add(d, [...values.embedding, ABSENT, null], 12);
for (const d of ['tuple', { type: 'tuple', items: ['string', 'number'] }, { type: 'record', key: 'string', value: 'number' }, 'record|key:string|value:number', 'record', 'record|key:alpha|value:number', { type: 'multi', rules: ['string', 'number'] }, 'multi', { type: 'luhn', optional: true }]) {
  add(d, [...values.tuple, ...values.record], 16);
}

// Lists of types.
for (const d of [['string', 'number'], ['number', 'string'], ['string|min:3', 'number|min:3'], ['string|optional', 'number|optional'], ['boolean', 'array'], ['email', 'url'], [{ type: 'string', min: 2 }, 'boolean'], ['string|nullable', 'number|nullable'], [], ['string|optional', 'number']]) {
  add(d, [...generic, ...texts, ...numbers, 'a@b.co', 'http://x'], 24);
}

// Objects.
const objects = [...values.object, ABSENT, null, { a: { b: { c: 'x' } } }, { a: { b: { c: 5 } } }, { a: { b: null } }, { a: { zz: 1 } }, { n: 'x' }, { n: ' x ', z: 1 }, { a: 'x', b: 'y' }];
for (const d of [{ a: 'string', b: 'number|optional' }, { $$type: 'object', a: 'string' }, { $$type: 'object|required', a: 'string' }, { $$type: 'object|optional', a: 'string' }, { a: { b: { c: 'string' } } }, { a: { b: { $$type: 'object|required', c: 'string|optional' } } },
  { n: 'string|lowercase|min:1', z: 'number|default:7' }, { a: { type: 'string', default: 'dd' }, b: 'boolean|default:true' }, { type: 'object', props: { a: 'string', b: 'number|optional' } }, { type: 'object', properties: { a: 'string|optional' }, strict: true },
  { type: 'object', props: { a: 'any|optional' }, strict: 'remove' }, { type: 'object', props: { a: 'any|optional' }, strict: false }, { type: 'object', minProps: 1 }, { type: 'object', maxProps: 1 }, { type: 'object', props: { a: 'any|optional', b: 'any|optional' }, minProps: 1, maxProps: 2 },
  { type: 'object', optional: true, props: { a: 'string' } }, 'object|minProps:2', 'object|optional|maxProps:1', { $$strict: true, a: 'string' }, { $$strict: 'remove', a: 'any' }, {}, { type: 'string|min:2', a: 'number|optional' }, { a: 'secretX' }, { type: 'object', nullable: true, props: { a: 'string' } },
  { 'my-key': 'string', a: 'string|optional' }, { a: ['string', 'number'] }, { a: 'string[]' }, { a: 'ip4|optional', b: 'money|optional' }]) {
  add(d, [...objects, { 'my-key': 5 }, { a: ['x'] }, { type: 'xyz' }, { type: 'x' }], 22);
}

// Defaults.
for (const d of ['string|default:abc', 'string|default:5', 'number|default:5', 'number|default:0', 'boolean|default:true', 'boolean|default:false', 'string|optional|default:x', 'string|nullable|default:x', 'money|default:5', 'string|default:a:b', 'string|default: x', 'array|default:[]', 'json|default:{}',
  'email|default:a@b.co', 'string|default:number', 'any|default:5', 'datetime|default:2024-01-15', { type: 'string', default: 'abc' }, { type: 'number', default: 7 }, { type: 'boolean', default: false }, { type: 'array', default: ['a'] }, { type: 'object', default: { a: 1 } }, { type: 'string', default: null },
  { type: 'string', default: ' x ' }, { type: 'number', default: '7' }, 'string|min:3|default:x', { type: 'string', min: 3, default: 'x' }, 'uuid|default:nope', 'string|default:true', 'semver|default:v1.2.3', { type: 'semver', default: 'v1.2.3' }]) {
  add(d, [ABSENT, null, 'abc', 5, '', true, [], {}], 8);
}

// Whole documents: several fields at once, $$strict, equal to another field, labels and messages.
const doc = (attributes, documents) => schemas.push([attributes, documents.map((d) => ({ raw: d })), documents.length]);
const people = [{ name: 'Ana', email: 'a@b.co', age: 5 }, { name: 'A', email: 'x', age: -1 }, {}, { name: 'Ana', email: 'a@b.co', age: '7', extra: 1 }, { name: 5, email: 5, age: 'x' }, { name: ' Bob ', email: 'B@x.org', age: 1, p: { city: ' X ', zip: 5 } }, { name: 'Zed', email: 'z@z.zz', age: 1, p: {} }, { name: null, email: null, age: null }];
for (const strict of [undefined, true, false, 'remove']) {
  const a = { name: 'string|min:2', email: 'email', age: 'number|min:0', p: { city: 'string|uppercase', zip: 'string|optional' } };
  if (strict !== undefined) a.$$strict = strict;
  doc(a, people);
}
doc({ p: 'string', q: { type: 'equal', field: 'p' } }, [{ p: 'a', q: 'a' }, { p: 'a', q: 'b' }, { p: 'a' }, {}]);
doc({ p: 'string', q: 'equal|field:p' }, [{ p: 'a', q: 'a' }, { p: 'a', q: 'b' }, { p: 'a' }, { q: 'x' }]);
doc({ p: 'number', q: 'equal|field:p|strict' }, [{ p: 1, q: 1 }, { p: 1, q: '1' }, { p: '1', q: 1 }]);
doc({ p: 'number', q: 'equal|field:p' }, [{ p: 1, q: 1 }, { p: 1, q: '1' }, { p: '1', q: 1 }, { p: 0, q: '' }]);
for (let i = 0; i < 80; i++) {
  const names = ['a', 'b', 'c', 'd'].slice(0, 2 + int(3));
  const kinds = names.map(() => pick(Object.keys(types).filter((t) => !['text', 'bool', 'bits', 'buffer', 'geo:point', 'ip4', 'ip6', 'date'].includes(t))));
  const attributes = Object.fromEntries(names.map((n, k) => [n, kinds[k] + pick(['', '', '|optional', '|nullable'])]));
  const nested = i % 2 === 0 ? { n: attributes, t: 'string|optional' } : attributes;
  const documents = Array.from({ length: 8 }, () => {
    const d = Object.fromEntries(names.map((n, k) => [n, random() < 0.75 ? pick(values[types[kinds[k]]]) : pick(generic)]).filter(([, v]) => v !== ABSENT));
    return i % 2 === 0 ? { n: d } : d;
  });
  doc(nested, documents);
}

const db = new Database({ connectionString: 'memory://differential/db', logLevel: 'silent' });
await db.connect();
const probe = await db.createResource({ name: 'probe', attributes: { a: 'string' } });
const Validator = probe.validator.constructor;
const clone = (value) => JSON.parse(JSON.stringify(value));
const sealed = (attributes) => typeof attributes.v === 'string' && /^(secret|password)/.test(attributes.v);
let pairs = 0;
const lines = [];
for (const [attributes, pool, n] of schemas) {
  const line = { a: clone(attributes) };
  let validator;
  try {
    validator = new Validator({ attributes: clone(attributes), allNestedObjectsOptional: true, security: { passphrase: 'differential', bcrypt: { rounds: 12 } } });
  } catch (error) {
    lines.push({ ...line, x: String(error.message).slice(0, 80) });
    pairs++;
    continue;
  }
  line.c = [];
  const seen = new Set();
  for (const value of pool.length <= n ? pool : some(pool, n)) {
    const document = value?.raw ?? (value === ABSENT ? {} : { v: value });
    const text = JSON.stringify(document);
    if (seen.has(text)) continue;
    seen.add(text);
    let answer;
    try {
      const { isValid, errors, data } = await validator.validate(validator.applyDefaults(clone(document)));
      if (isValid) {
        const out = clone(data);
        if (sealed(attributes) && out.v !== undefined) out.v = '*';
        answer = JSON.stringify(out) === text ? 1 : { v: out };
      } else {
        answer = { e: errors.map((e) => [e.field, e.type]) };
      }
    } catch (error) {
      answer = { e: [['', `threw ${String(error.message).slice(0, 40)}`]] };
    }
    line.c.push([clone(document), answer]);
    pairs++;
  }
  lines.push(line);
}
const body = lines.map((line) => JSON.stringify(line)).join(',\n');
process.stdout.write(`{"peer":"s3db.js 21.6.2","pairs":${pairs},"schemas":[\n${body}\n]}\n`, () => process.exit(0));
