/**
 * node:http without its fetch: an `import` of it touches every export, `WebSocket` too, which loads undici: 6 MiB in every process.
 * So whoever needs it takes it from here.
 */

export const { createServer, request } = process.getBuiltinModule("node:http");
