/** A program that fails before it serves. */
process.stdout.write('started\n');
throw new Error('it cannot be started');
