/** n.b. Each takes 10 ms to load, and a start needs none. */
export const net = () => process.getBuiltinModule("node:net");
export const nodeCrypto = () => process.getBuiltinModule("node:crypto");
export const tls = () => process.getBuiltinModule("node:tls");
