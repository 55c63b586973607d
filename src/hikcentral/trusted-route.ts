import { type Fetch, type TlsOptions, TransportError } from "../upstreams/http.ts";
import { certificateOf, plainSha256 } from "../upstreams/tls.ts";
import { CertificatePin, fingerprintsIn } from "./certificate-pin.ts";

/** `fingerprint`: 64 hexadecimal digits; that certificate is trusted and no other. `ca`: PEM. */
export interface Trust {
  ca?: string | undefined;
  fingerprint?: string | undefined;
  insecure?: boolean | undefined;
}

/** How a request reaches HikCentral, as `upstreamFetch` takes it. */
export interface Way {
  tls?: TlsOptions;
  fetch?: Fetch | undefined;
}

/** How HikCentral's address is trusted: as configured, and, where `ca` holds the very certificate, as a pinned one. */
export class TrustedRoute implements Disposable {
  readonly #listed: ReadonlySet<string>;
  readonly #isTls: boolean;
  #pin: CertificatePin | undefined;

  constructor(
    readonly url: URL,
    readonly trust: Trust,
    readonly fetch: Fetch | undefined,
  ) {
    this.#isTls = url.protocol === "https:";
    this.#listed = fingerprintsIn(trust.ca ?? "");
    if (trust.fingerprint && this.#isTls) this.#pin = new CertificatePin(url, trust.fingerprint);
  }

  /** Runs a request; once more where the certificate was refused (nothing has arrived then) and is listed after all. */
  async send<Answer>(request: (way: Way) => Promise<Answer>): Promise<Answer> {
    try {
      return await request(this.#way());
    } catch (thrown) {
      if (!(thrown instanceof TransportError) || thrown.kind !== "certificate" || !(await this.#pinListed()))
        throw thrown;
      return await request(this.#way());
    }
  }

  /** What to do about a certificate that was refused, and whether it is another one than the pinned one. */
  async explain(): Promise<{ hasChanged: boolean; advice: string }> {
    const shown = await certificateOf(this.url).catch(() => undefined);
    const { fingerprint, ca } = this.trust;
    const hasChanged = fingerprint !== undefined && shown !== undefined && plainSha256(shown) !== fingerprint;
    const sha256 = shown?.fingerprint256 ?? "(none is shown now)";
    const set = `set hikcentral.fingerprint = "${sha256}"`;
    const other = ca === undefined && fingerprint === undefined ? " or hikcentral.ca_file" : "";
    return { hasChanged, advice: `${howToCompare(sha256)}; if they are equal, ${set}${other}` };
  }

  [Symbol.dispose](): void {
    this.#pin?.[Symbol.dispose]();
  }

  #way(): Way {
    const { fetch } = this;
    if (this.#pin) return { fetch: this.#pin.through(fetch ?? globalThis.fetch) };
    const { ca, insecure } = this.trust;
    // n.b. An intermediate certificate in the file is enough.
    const tls = { ...(ca && { ca, allowPartialTrustChain: true }), ...(insecure && { rejectUnauthorized: false }) };
    return { tls, fetch };
  }

  async #pinListed(): Promise<boolean> {
    if (this.trust.fingerprint || this.#listed.size === 0) return false;
    const shown = await certificateOf(this.url).catch(() => undefined);
    const sha256 = shown && plainSha256(shown);
    if (this.#pin?.sha256 === sha256) return false;
    this.#pin?.[Symbol.dispose]();
    this.#pin = sha256 !== undefined && this.#listed.has(sha256) ? new CertificatePin(this.url, sha256) : undefined;
    return true;
  }
}

/** In words for an engineer at the console of a Windows server. */
export const howToCompare = (sha256: string) =>
  `compare SHA-256 ${sha256} with the certificate that a browser on HikCentral's own machine shows for https://localhost`;
