/** A process without anything around it. */
process.on('message', (message) => process.send?.(message));
