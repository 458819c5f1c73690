// s3db.js imports this name for its command line, which the tests do not use.
export function createCLI() {
  throw new Error('the command line of s3db.js is not part of this set-up');
}
