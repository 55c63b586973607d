import { dlopen, ptr } from "bun:ffi";

const doNotWait = 0x40;

/**
 * What systemd is at $NOTIFY_SOCKET (a path, or @ and an abstract name): a datagram socket; `next` is the next message,
 * empty where there is none. n.b. Bun's node:dgram has no unix sockets, so it is libc's own.
 */
export function listenAsSystemd(address: string) {
  const libc = dlopen("libc.so.6", {
    socket: { args: ["int", "int", "int"], returns: "int" },
    bind: { args: ["int", "ptr", "u32"], returns: "int" },
    recv: { args: ["int", "ptr", "u64", "int"], returns: "i64" },
    close: { args: ["int"], returns: "int" },
  });
  const { socket, bind, recv, close } = libc.symbols;
  const fd = socket(1, 2, 0);
  const name = Buffer.from(`\x01\0${address.replace(/^@/, "\0")}`);
  if (bind(fd, ptr(name), name.length) !== 0) throw new Error(`${address} cannot be listened at`);
  const room = Buffer.alloc(4096);
  return {
    next: () => room.toString("utf8", 0, Math.max(0, Number(recv(fd, ptr(room), room.length, doNotWait)))),
    [Symbol.dispose]: () => {
      close(fd);
      libc.close();
    },
  };
}
