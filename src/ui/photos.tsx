import { textOf } from "../errors.ts";
import { look } from "../ledger/audit.ts";
import { labelOf } from "../operator/who/verdict.ts";
import type { WhoView } from "../operator/who/who.ts";
import { pictureTypeOf } from "../util/picture-type.ts";
import { audit } from "./actions/action.ts";
import { lookedAt } from "./looks.ts";
import { isOperator, type UiOptions, type View } from "./view.ts";

const sides = { eposh: "Eposh", hikcentral: "HikCentral" } as const;
type Side = keyof typeof sides;
export const isSide = (word: string): word is Side => Object.hasOwn(sides, word);

/** A browser waits for a picture, and work goes first. */
const patienceMs = 10_000;

interface Shown {
  /** Whose photo it is: under one NIK there may be two people. */
  of: string;
  /** Changes with the photo. */
  mark: string;
  fetch: (signal: AbortSignal) => Promise<Uint8Array>;
}

/** The photo of the person asked for, or else of whoever else is under the NIK. */
function photoIn(side: Side, views: readonly WhoView[], { operator }: UiOptions): Shown | undefined {
  const { upstreams, photos } = operator.options.running ?? {};
  if (!upstreams || !photos) return undefined;
  const mark = (address: string) => Bun.hash(address).toString(36);
  for (const { human } of views) {
    const { record, person } = human;
    if (side === "eposh" && record?.photo !== undefined) {
      const { photo } = record;
      const fetch = async (signal: AbortSignal) => {
        const fetched = await photos.for(signal).fetch(photo);
        return Buffer.from(fetched?.face ?? "", "base64");
      };
      return { of: labelOf(human), mark: mark(photo), fetch };
    }
    if (side === "hikcentral" && person?.hasFace) {
      const { personId, pictureAddress } = person;
      const fetch = (signal: AbortSignal) => upstreams.hikcentral.reads(signal).picture(personId, pictureAddress);
      return { of: labelOf(human), mark: mark(pictureAddress), fetch };
    }
  }
  return undefined;
}

interface PhotoOf {
  side: Side;
  handle: string;
  views: readonly WhoView[];
}

/** What both systems have of a person. */
export const bothSides = (handle: string, views: readonly WhoView[]): PhotoOf[] =>
  (Object.keys(sides) as Side[]).map((side) => ({ side, handle, views }));

/** Two photos side by side; for a viewer the reason why there are none. */
export function Photos({ of, options, view }: { of: readonly PhotoOf[]; options: UiOptions; view: View }) {
  const { people: texts } = view.words;
  return (
    <section aria-labelledby="photos">
      <h2 id="photos">{texts.photos}</h2>
      {isOperator(view) ? (
        <>
          <div class="photos">
            {of.map(({ side, handle, views }) => (
              <Photo side={side} photo={photoIn(side, views, options)} handle={handle} view={view} />
            ))}
          </div>
          <p class="detail">{texts.looksNoted}</p>
        </>
      ) : (
        <p class="refused">{texts.photosHidden}</p>
      )}
    </section>
  );
}

function Photo({ side, photo, handle, view }: { side: Side; photo: Shown | undefined; handle: string; view: View }) {
  const { people: texts } = view.words;
  const system = sides[side];
  return (
    <figure>
      {photo ? (
        <img src={`/ui/people/${handle}/photos/${side}?${photo.mark}`} alt={texts.photoIn(system, photo.of)} />
      ) : (
        <p class="no-photo">{texts.noPhoto}</p>
      )}
      <figcaption>
        <strong>{system}</strong>
        {photo && ` · ${photo.of}`}
      </figcaption>
    </figure>
  );
}

/** The picture itself, for an operator; each one that is shown is in the audit. Undefined where there is none. */
export async function pictureAt(handle: string, side: Side, options: UiOptions, view: View) {
  const photo = photoIn(side, (await lookedAt(handle, options, true)) ?? [], options);
  if (photo === undefined) return undefined;
  const { people: texts } = view.words;
  try {
    const bytes = await photo.fetch(AbortSignal.timeout(patienceMs));
    const type = pictureTypeOf(bytes);
    if (type === undefined) throw new Error("it is no picture");
    const noted = audit(options, view, { action: look, what: `${sides[side]}: ${photo.of}`, result: "" });
    if (!noted) throw new Error("the look cannot be noted in the audit");
    return new Response(Buffer.from(bytes), { headers: { "content-type": type } });
  } catch (thrown) {
    options.log.info(`a photo from ${sides[side]} cannot be shown: ${textOf(thrown)}`);
    return new Response(instead(texts.photoAway), { status: 404, headers: { "content-type": "image/svg+xml" } });
  }
}

/** A browser shows it in the place of the picture, also without JavaScript. */
const instead = (text: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 400"><rect width="300" height="400" fill="#e9ecf1"/>` +
  `<text x="150" y="205" font-family="sans-serif" font-size="17" text-anchor="middle" fill="#545d6b">${text}</text></svg>`;
