import { dlopen, ptr } from "bun:ffi";

/** What systemd is told, as sd_notify(3) has it: `READY=1`, `STATUS=…`, `WATCHDOG=1`, `RELOADING=1`, `STOPPING=1`. */
export type Notify = (...states: readonly string[]) => void;

const [unixFamily, datagram, closeOnExec, noSignal] = [1, 2, 0o2000000, 0x4000];

/**
 * Tells systemd at the socket that $NOTIFY_SOCKET names (a path, or @ and an abstract name); does nothing without one.
 * n.b. Bun's node:dgram has no unix sockets, so it is libc's own.
 */
export function openNotify(address: string | undefined): Notify & Disposable {
  if (!address) return Object.assign(() => {}, { [Symbol.dispose]() {} });
  const libc = dlopen("libc.so.6", {
    socket: { args: ["int", "int", "int"], returns: "int" },
    sendto: { args: ["int", "ptr", "u64", "int", "ptr", "u32"], returns: "i64" },
    close: { args: ["int"], returns: "int" },
  });
  const { socket, sendto, close } = libc.symbols;
  const name = Buffer.from(address.replace(/^@/, "\0"));
  const to = Buffer.concat([new Uint8Array(new Uint16Array([unixFamily]).buffer), name]);
  const fd = socket(unixFamily, datagram | closeOnExec, 0);
  const notify: Notify = (...states) => {
    const text = Buffer.from(states.join("\n"));
    // A systemd that does not hear acts by itself: it waits for READY and WATCHDOG.
    sendto(fd, ptr(text), text.length, noSignal, ptr(to), to.length);
  };
  const dispose = () => {
    close(fd);
    libc.close();
  };
  return Object.assign(notify, { [Symbol.dispose]: dispose });
}
