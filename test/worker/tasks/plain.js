/** A task as JavaScript. */
export default (/** @type {string} */ input) => input.toUpperCase();
