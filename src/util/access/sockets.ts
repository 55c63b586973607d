/** n.b. Both take 15 ms to load, and a start needs neither. */
export const net = () => process.getBuiltinModule("node:net");
export const tls = () => process.getBuiltinModule("node:tls");
