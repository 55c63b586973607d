export interface RecordHttpOptions {
  /** Answers in place of the upstream every request that would change something. */
  dryRun: boolean;
  /** The host of HikCentral, where everything is a POST. */
  hikcentral: string;
  say: (text: string) => void;
}

/** The last part of the paths of HikCentral's read calls; an unknown call counts as a write. */
const reads = /\/(version|personInfo|personList|customFields|orgList|group|applicationResult)$/;

/** Reports every HTTP request of this process, in order, until disposed of. */
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

/** Shortens long texts, e.g. a face in Base64. */
const shortened = (body: string) =>
  body.replace(/"([^"\\]{200,})"/g, (_, text: string) => `"${text.slice(0, 20)}… (${text.length} characters)"`);
