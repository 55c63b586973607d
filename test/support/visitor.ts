import type { Site } from "./site.ts";

/** Somebody who looks at the page: keeps the cookie as a browser does, and runs no scripts. */
export class Visitor {
  #cookie = "";

  constructor(
    readonly site: { readonly url: string },
    /** As the browser asks for it. */
    readonly language = "en",
  ) {}

  static async of(site: { readonly url: string }, token: string, name = "Rina"): Promise<Visitor> {
    const visitor = new Visitor(site);
    await visitor.post("/ui/login", { name, token });
    return visitor;
  }

  /** As an operator on the machine, without a token. */
  static async byLink(site: Pick<Site, "url" | "fetch">, language = "en"): Promise<Visitor> {
    const answer = await site.fetch("/ui/open", { method: "POST", body: "Rina" });
    const { url } = (await answer.json()) as { url: string };
    const visitor = new Visitor(site, language);
    await visitor.get(url.slice(site.url.length));
    return visitor;
  }

  get cookie(): string {
    return this.#cookie;
  }

  async send(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { cookie: this.#cookie, "accept-language": this.language, ...(init.headers as object) };
    const answer = await fetch(this.site.url + path, { redirect: "manual", ...init, headers });
    const [cookie] = answer.headers.getSetCookie().filter((one) => one.startsWith("hs-session="));
    if (cookie !== undefined) this.#cookie = cookie.split(";")[0] ?? "";
    return answer;
  }
  get(path: string): Promise<Response> {
    return this.send(path);
  }
  async html(path: string): Promise<string> {
    return await (await this.get(path)).text();
  }
  /** A form as the page sends it; as a text where it is not one. */
  post(path: string, form: Record<string, string> | string, headers: Record<string, string> = {}): Promise<Response> {
    return this.send(path, { method: "POST", body: new URLSearchParams(form), headers });
  }
  /** Where a search leads: the page of somebody, or the list. */
  async find(key: string): Promise<string> {
    return (await this.post("/ui/people", { key })).headers.get("location") ?? "";
  }
  /** The key of the form that a confirm page holds. */
  async form(path: string): Promise<string> {
    return /name="form" value="([^"]+)"/.exec(await this.html(path))?.[1] ?? "";
  }
}
