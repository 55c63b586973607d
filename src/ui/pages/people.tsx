import { search } from "../../operator/who/search.ts";
import { labelOf } from "../../operator/who/verdict.ts";
import { wordsIn } from "../../operator/words/words.ts";
import type { Page, UiOptions, View } from "../view.ts";

/** Where the result of a search is shown. */
export async function searchFor(key: string, { operator, sessions }: UiOptions, { session }: View): Promise<string> {
  const { ledger, running } = operator.options;
  const found = running ? await search(ledger, running.upstreams, key) : { subjects: [] };
  session.found = found;
  const [only, ...others] = found.subjects;
  return only && others.length === 0 ? `/ui/people/${sessions.handleOf(only)}` : "/ui/people";
}

export async function peoplePage({ sessions }: UiOptions, view: View): Promise<Page> {
  const { people: texts } = view.words;
  const { who } = wordsIn(view.times.language);
  const { found } = view.session;
  const main = (
    <>
      <h1>{texts.title}</h1>
      <p>{texts.hint}</p>
      {found && (
        <section aria-labelledby="found">
          <h2 id="found">{texts.found(found.subjects.length)}</h2>
          {found.trouble !== undefined && <p class="banner">{who.unsearched}</p>}
          {found.subjects.length === 0 && found.trouble === undefined && <p>{who.nobody}</p>}
          <ul class="plain-list people">
            {found.subjects.map((subject) => (
              <li>
                <a href={`/ui/people/${sessions.handleOf(subject)}`}>
                  {labelOf({ name: subject.name ?? "–", kib: subject.kib })}
                </a>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
  return { title: texts.title, main };
}
