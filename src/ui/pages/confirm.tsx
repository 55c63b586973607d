import type { Confirm, Fields } from "../actions/action.ts";
import { newForm } from "../sessions.ts";
import type { Page, View } from "../view.ts";

/** Says what an action will do, before it is done. */
export function confirmPage(action: string, confirm: Confirm, fields: Fields, view: View): Page {
  const { title, texts, button, typed, isDangerous, back, refusal, choices = [] } = confirm;
  const { actions } = view.words;
  const main = (
    <>
      <h1>{title}</h1>
      {texts.map((text) => (
        <p>{text}</p>
      ))}
      {refusal !== undefined && <p class="banner">{refusal}</p>}
      <form method="post" action={`/ui/do/${action}`} class="stack">
        <input type="hidden" name="form" value={newForm(view.session)} />
        {Object.entries(fields).map(([name, value]) => (
          <input type="hidden" name={name} value={value} />
        ))}
        {refusal === undefined && (
          <>
            {choices.map(({ name, label, options }) => (
              <label>
                {label}
                <select name={name}>
                  {options.map(([value, text]) => (
                    <option value={value}>{text}</option>
                  ))}
                </select>
              </label>
            ))}
            {typed !== undefined && (
              <label>
                {actions.typed(typed)}
                <input type="text" name="typed" required autocomplete="off" inputmode="numeric" />
              </label>
            )}
            <button type="submit" class={isDangerous ? "danger" : "main"}>
              {button}
            </button>
          </>
        )}
        <a href={back}>{actions.back}</a>
      </form>
    </>
  );
  return { title, main };
}

/** A page of one sentence: what was refused, and where to go on. */
export function messagePage(
  { title, text, to, status }: { title: string; text: string; to: string; status: NonNullable<Page["status"]> },
  { actions }: { actions: { back: string } },
): Page {
  const main = (
    <>
      <h1>{title}</h1>
      <p>{text}</p>
      <p>
        <a href={to}>{actions.back}</a>
      </p>
    </>
  );
  return { title, main, status };
}
