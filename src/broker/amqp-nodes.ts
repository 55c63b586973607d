import querystring from "node:querystring";
import type { Options } from "amqplib";
import { textOf } from "../errors.ts";

/** The nodes that broker.url names, to be tried in turn. */
export class AmqpNodes {
  /** Where to connect to next; amqplib reads it at each attempt. */
  readonly target: Options.Connect;
  readonly #addresses: readonly URL[];
  #at = 0;
  /** What each node that was tried since the last connection said. */
  readonly #troubles = new Map<string, string>();

  /** Throws if one is no address of RabbitMQ, without quoting it: it may hold a password. */
  constructor(urls: readonly string[]) {
    this.#addresses = urls.map((url) => {
      const address = URL.parse(url);
      if (!address?.hostname || !/^amqps?:$/.test(address.protocol))
        throw new Error("broker.url must be amqp://USER:PASSWORD@HOST:PORT/VHOST, or the same with amqps://");
      return address;
    });
    this.target = optionsOf(this.#address);
  }

  get size(): number {
    return this.#addresses.length;
  }

  get #address(): URL {
    return this.#addresses[this.#at] as URL;
  }

  connected(): void {
    this.#troubles.clear();
  }

  /** Moves on to the next node, and says why none is connected. */
  failed(error: Error & { code?: unknown }): string {
    const { hostname, port, protocol } = this.#address;
    const host = `${hostname}:${port || (protocol === "amqp:" ? 5672 : 5671)}`;
    const known = reasons.find(([pattern]) => pattern.test(`${error.code} ${error.message}`));
    this.#troubles.set(host, known ? known[1] : `cannot be reached: ${textOf(error)}`);
    this.#at = (this.#at + 1) % this.size;
    Object.assign(this.target, optionsOf(this.#address));
    return [...this.#troubles].map(([at, trouble]) => `RabbitMQ at ${at} ${trouble}`).join("; ");
  }
}

/** n.b. From an address in text amqplib would decode an encoded password as Latin-1. */
function optionsOf({ protocol, hostname, port, username, password, pathname, searchParams }: URL): Options.Connect {
  const [user, secret] = username ? [username, password] : ["guest", "guest"];
  return {
    heartbeat: 30,
    ...Object.fromEntries(searchParams),
    protocol: protocol.slice(0, -1),
    hostname: hostname.replace(/^\[|\]$/g, ""),
    port: Number(port) || (protocol === "amqp:" ? 5672 : 5671),
    username: querystring.unescape(user),
    password: querystring.unescape(secret),
    vhost: pathname.slice(1),
  };
}

const reasons: [RegExp, string][] = [
  [/ACCESS[_-]REFUSED/, "rejects the user name or the password of broker.url"],
  // The driver's error when RabbitMQ refuses to open the virtual host.
  [/ConnectionOpenOk/, "has no such virtual host, or denies it to this user: check the path of broker.url"],
  [/ECONNREFUSED/, "refuses the connection: check that it is running, and the port"],
  [/ENOTFOUND|EAI_AGAIN/, "cannot be found: its name does not resolve"],
  [/ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/, "does not answer"],
  [/CERT|certificate/i, "shows a certificate that is not trusted: set broker.ca_file to the certificate of its issuer"],
];
