import { codeTextIn } from "../../operator/words/codes.ts";
import type { View } from "../view.ts";

/** What a code means and what to do, from the table of codes; the code itself is for whoever asks the operator. */
export function CodeText({ code, stage, view }: { code: string; stage?: string; view: View }) {
  const { own, todo } = view.words.codes;
  const entry = codeTextIn(code, view.times.language);
  return (
    <div class="code">
      <p>{entry?.meaning ?? own}</p>
      {entry && (
        <p>
          <strong>{todo}:</strong> {entry.todo}
        </p>
      )}
      <p class="detail">
        <code>{code}</code>
        {stage && ` · ${stage}`}
      </p>
    </div>
  );
}
