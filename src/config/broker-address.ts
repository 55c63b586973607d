/** In the environment addresses are separated by commas. A comma before no scheme belongs to a password. */
export const addressesIn = (given: string): string[] =>
  given.split(/,\s*(?=(?:amqps?|sqlite):)/).map((one) => one.trim());

const isAmqp = (address: string) => /^amqps?:\/\//.test(address);

/**
 * Whether user name, password and virtual host are encoded. n.b. A URL ends its host at the first / ? or #, and would
 * take the first part of an unencoded password for the port and the rest for the virtual host.
 */
export function isEncoded(address: string): boolean {
  if (!isAmqp(address)) return true;
  const [, credentials = ""] = /^\w+:\/\/(.*)@/s.exec(address) ?? [];
  return !/[/?@]/.test(credentials) && !/#|%(?![\da-f]{2})/i.test(address);
}
export const encodedExpectation =
  "written with / as %2F, # as %23, ? as %3F, @ as %40 and % as %25 in its user name, password and virtual host";

export const isBrokerAddress = (address: string): boolean =>
  /^sqlite:(\/.+)?$/.test(address) || (isAmqp(address) && (URL.parse(address)?.hostname ?? "") !== "");

/** Several addresses are nodes of one RabbitMQ cluster. */
export const areOfCluster = (addresses: string[]): boolean => addresses.length === 1 || addresses.every(isAmqp);

const virtualHostOf = (address: string) => decodeURIComponent(new URL(address).pathname).slice(1) || "/";
export const haveOneVirtualHost = (addresses: string[]): boolean => new Set(addresses.map(virtualHostOf)).size === 1;

/** Address by address for people, without user names and passwords. */
export function withoutCredentials(addresses: readonly string[]): string {
  const [first = ""] = addresses;
  const hosts = addresses.map((address) => new URL(address).host);
  return addresses.length === 1
    ? `${hosts[0]}${new URL(first).pathname}`
    : `${hosts.join(", ")}, virtual host ${virtualHostOf(first)}`;
}
