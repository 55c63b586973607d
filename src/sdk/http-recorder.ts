export interface RecordHttpOptions {
  /** Answer in place of the upstream whatever would change something there. */
  dryRun: boolean;
  /** The host of HikCentral, where everything is a POST. */
  hikcentral: string;
  say: (text: string) => void;
}

/** The last words of HikCentral's calls that only read; what is not known is held back. */
const reads = /\/(version|personInfo|personList|customFields|group|applicationResult)$/;

/** Tells of every HTTP request of this process, in order, until it is disposed of. */
export function recordHttp({ dryRun, hikcentral, say }: RecordHttpOptions): Disposable {
  const real = globalThis.fetch;
  const watched = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = input instanceof Request ? input : undefined;
    const url = new URL(request?.url ?? String(input));
    const method = (init?.method ?? request?.method ?? "GET").toUpperCase();
    const body = await bodyText(init?.body ?? request?.clone().body);
    const isOfHikCentral = url.host === hikcentral;
    const isRead = isOfHikCentral ? reads.test(url.pathname) : method === "GET" || method === "HEAD";
    // The query of a photo's link may be a key.
    const line = `${method} ${url.origin}${url.pathname}${body ? ` ${shortened(body)}` : ""}`;
    if (dryRun && !isRead) {
      say(`would send ${line}`);
      return isOfHikCentral ? Response.json({ code: "0", msg: "Success", data: "dry-run" }) : Response.json({});
    }
    const response = await real(input, init);
    say(`${isRead ? "asked" : "sent "}      ${line} → ${response.status}`);
    return response;
  };
  globalThis.fetch = Object.assign(watched, { preconnect: real.preconnect });
  return {
    [Symbol.dispose]: () => {
      globalThis.fetch = real;
    },
  };
}

const bodyText = async (body: unknown): Promise<string> =>
  body === undefined || body === null ? "" : new Response(body as string).text();

/** A face in Base64 is of no use to a reader. */
const shortened = (body: string) =>
  body.replace(/"([^"\\]{200,})"/g, (_, text: string) => `"${text.slice(0, 20)}… (${text.length} characters)"`);
