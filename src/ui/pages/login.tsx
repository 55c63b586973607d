import type { Page } from "../view.ts";
import type { UiWords } from "../words/english.ts";

export type LoginProblem = "wrong" | "slow" | "name_missing" | "bad" | "link";

/** All that is shown without a session: the sentence and the login. */
export function loginPage(words: UiWords, { sentence, isBad, hasToken, problem, name = "" }: LoginOptions): Page {
  const { login: texts } = words;
  const main = (
    <>
      <h1 class={isBad ? "bad" : "good"}>{sentence}</h1>
      <section aria-labelledby="login">
        <h2 id="login">{texts.title}</h2>
        {problem && (
          <p class="banner" role="alert">
            {texts[problem]}
          </p>
        )}
        {hasToken ? (
          <form method="post" action="/ui/login" class="stack">
            <label>
              {texts.name}
              <input type="text" name="name" value={name} required maxlength={60} autocomplete="name" />
            </label>
            <label>
              {texts.token}
              <input
                type="password"
                name="token"
                required
                maxlength={500}
                autocomplete="current-password"
                aria-describedby="token-hint"
              />
            </label>
            <p id="token-hint" class="detail">
              {texts.tokenHint}
            </p>
            <button type="submit" class="main">
              {texts.button}
            </button>
          </form>
        ) : (
          <p>{texts.none}</p>
        )}
        {hasToken && <p class="detail">{texts.other}</p>}
      </section>
    </>
  );
  return { title: texts.title, main };
}

export interface LoginOptions {
  sentence: string;
  isBad: boolean;
  hasToken: boolean;
  problem?: LoginProblem | undefined;
  name?: string;
}
