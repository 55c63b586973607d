import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Claims } from "../../src/people/conflict.ts";
import { namesIn, namesOf } from "../../src/people/names.ts";
import { type Identity, reasons, samePerson } from "../../src/people/same-person.ts";

const named = (name: string, kib?: string): Identity => ({ ...namesIn(name), kib });
const compare = (a: string, b: string) => samePerson(named(a), named(b), "unknown");
const attempt = <T>(work: () => T): T | undefined => {
  try {
    return work();
  } catch {
    return undefined;
  }
};
/** One pair a line. */
const pairs = (text: string) =>
  text
    .trim()
    .split("\n")
    .map((line) => line.split("/").map((name) => name.trim()) as [string, string]);

const strangers = pairs(`
  Suharto / Suharti
  Sri Wahyuni / Sri Wahyudi
  I Made Sari / Ni Made Sari
  王伟 / 李娜
  Wu Bo / Li Na
  Budi Santoso S.T. / Siti Aminah S.T.
  Budi Santoso, S.T. / Siti Aminah, S.T.
  Budi Santoso, S.T., M.T. / Siti Aminah, S.T., M.T.
  Ir. H. Budi Santoso / Ir. H. Joko Prabowo
  Dr. Budi / Dr. Joko
  Prof. Dr. Agus Salim / Prof. Dr. Agus Susilo
  Budi ST / Budi Santoso ST
  Ahmad Fauzi S.Pd.I / Ahmad Hidayat S.Pd.I
  Muhammad Rizki / Muhammad Fadli
  M. Rizki / M. Fadli
  Muhammad Ali / Muhammad Amin
  Siti Aminah / Siti Nurhaliza
  Siti Aminah / Siti Amirah
  Siti Fatimah / Siti Fatihah
  Siti Nur / Siti Nur Aini
  Sri Lestari / Sri Rahayu
  Sri Hartini / Sri Hartono
  Nur Hidayat / Nur Hidayati
  Nur Aini / Nur Hasanah
  Agus Setiawan / Agus Setiawati
  Agus S. / Agus Santoso
  Dewi Irawan / Dewi Irawati
  Kurniawan Hadi / Kurniawati Hadi
  Susanto Wijaya / Susanti Wijaya
  Yulianto Halim / Yulianti Halim
  Budi Hartono / Budi Kartono
  Joko Sartono / Joko Sarjono
  Sukarno Hadi / Sumarno Hadi
  Joko Sunardi / Joko Sumardi
  Slamet Riyadi / Slamet Suryadi
  Abdul Karim / Abdul Kasim
  Abdul Halim / Abdul Hakim
  Abdul Rahman / Abdul Rahim
  Umar Halim Saputra / Umar Hakim Saputra
  Hasan Basri Lubis / Husin Basri Lubis
  Jamal Lubis / Jalal Lubis
  Budi Darmawan / Budi Dermawan
  Joko Hermanto / Joko Harmanto
  Siti Marlina / Siti Merlina
  Rina Amalia Lubis / Rina Amelia Lubis
  Jack Ma / Jack Sp
  Budi M.A. / Budi Santoso M.A.
  Budi Sentosa Kurniwan / Budi Santoso Kurniawan
  B. Kurniwan / Budi Kurniawan
  Amir Siregar / Amira Siregar
  Ahmad bin Hasan / Ahmad bin Husin
  Ali bin Rahmat / Aliyah binti Rahmat
  Nur bin Ahmad Zaki / Nur binti Ahmad Zaki
  I Wayan Suarta / Ni Wayan Suarti
  I Wayan Suarta / I Wayan Sudana
  I Made Budi / I Made Adi
  Ni Luh Putu Ayu / Ni Luh Putu Sari
  I Gusti Ngurah Rai / I Gusti Ayu Rai
  Ida Bagus Putra / Ida Ayu Putri
  Ketut Sudana / Wayan Sudana
  Made / Made Sari
  Binsar Simanjuntak / Bonar Simanjuntak
  Binsar Situmorang / Binsar Situmeang
  Togar Siregar / Tigor Siregar
  Maria Goreti / Maria Magdalena
  Yohanes Paulus / Yohanes Petrus
  Mario Halim / Maria Halim
  Suparman / Suparmin
  Slamet / Selamet
  Sukirman / Sudirman
  Wagiman / Wagimin
  Paijo / Paidi
  Tri Utami / Tri Utomo
  Dwi Putra / Dwi Putri
  Eko Prasetyo / Eka Prasetya
  Rina / Rini
  Rina Wati / Rini Wati
  Rina Lubis / Rena Lubis
  M. Rizki / Maria Rizki
  B. B. Lubis / Budi Lubis Hadi
  Indra Lubis / Indri Lubis
  Andi Pratama / Andi Pratiwi
  Dian / Diana
  Budi / Budiman
  Budi / Budi Santoso
  Budi Budi / Budi Santoso
  Joko Satu / Joko Dua
  Dodi 50 Uji / Dodi 51 Uji
  王伟 / Wang Wei
  陈大文 / Chen Dawen
  王芳 / 王方
  李丽 / 李丽丽
  Li Na / Li Ning
  Wang Wei / Wang Wen
  Tan Siok Bie / Tan Siok Hwa
  Muhammad / Ahmad
  M. / Maria Halim
  H. Budi / Hj. Siti
  H. Nur Aziz / Hj. Nur Aziz
  Tn. Budi Santoso / Ny. Budi Santoso
  Rizki Ramadhan / Riska Ramadhani
  Muhammad Ilham / Muhammad Irham
  Siti Rohmah / Siti Rohimah
  Joko Suhadi / Joko Suhardi
  Agus Suwandi / Agus Suwardi
  Eko Hartono / Eko Haryono
  Budi Hartanto / Budi Haryanto
  Sri Ermawati / Sri Ernawati
  Dewi Yulita / Dewi Yunita
  I Wayan Suardana / I Wayan Suarjana
  Kol. Inf. Dadang / Kol. Inf. Dadang Rahmat
  Letkol Dadang / Letkol Dadang Rahmat
  Fajar Nugroho / Fajri Nugraha
  Dewi Sri / Sri Dewi
  B / Budi Santoso
  . / Budi Santoso
  . / …
  😀 / 😀
`);

const same = pairs(`
  M. Rizki / Muhammad Rizki
  M Rizki / Muhammad Rizki
  Muh. Rizki / Mohammad Rizky
  Moh. Ali / Muhammad Ali
  Mhd. Yusuf Lubis / Muhamad Yusup Lubis
  Mochammad Fauzi / M. Fauzi
  Edi Susanto / Edy Susanto
  Nurhayati / Nur Hayati
  Nur Aini / Nuraini
  Nur'aini Ma'ruf / Nur’aini Ma’ruf
  Nur'aini / Nuraini
  Budi S. / Budi Santoso
  B. Santoso / Budi Santoso
  Budi Santoso H. / Budi Santoso Hadi
  Siti Aminah / Siti Aminah Santoso
  Dewi Lestari / Dewi Lestari Budiman
  Rina Kartika Sari Ny. Halim / Rina Kartika Sari
  Ny. Rina Kartika / Rina Kartika Halim
  Budi Santoso / Santoso Budi
  Siti Aminah / Aminah Siti
  Wei Wang / Wang Wei
  Budi Santoso / Budi Santsoso
  Budi Santoso / Budi Sentoso
  Budi Santoso / Budi Santso
  Budi Kurniawan / Budi Kurnawan
  Budi Kurniawan / Budi Kurneawan
  Siti Nurhaliza / Siti Nurhalizza
  Siti Nurhaliza / Siti Nurheliza
  Joko Prabowo / Joko Prabowwo
  BUDI SANTOSO / budi santoso
  Budi  Santoso / Budi Santoso
  Budi Santoso, S.T. / Budi Santoso
  Budi Santoso S.T. / Budi Santoso
  Budi Santoso ST MT / Budi Santoso
  Ir. Budi Santoso, M.Sc., Ph.D. / Budi Santoso
  Dr. Ir. H. Budi Santoso, M.Si / Budi Santoso
  Drs.H.Budi Santoso / Budi Santoso
  Prof. Budi Santoso / Budi Santoso S.Pd.
  Hj. Siti Aminah, S.Pd.I / Siti Aminah
  H. Suharto / Suharto
  Tn. Suharto / Suharto
  K.H. Ahmad Dahlan / Ahmad Dahlan
  K.H. Dahlan / Dahlan
  Kol. Inf. Dadang / Dadang
  Mayjen (Purn.) Dadang Supriatna / Dadang Supriatna
  Budi Hartono / Budi Hartnono
  Sri Ernawati / Sri Erknawati
  Budi S T / Budi Santoso Tarigan
  Budi Santoso, Dipl.-Ing. / Budi Santoso Hadi
  Siti Aminah A.Md.Kep. / Siti Aminah
  Suharto / Soeharto
  Djoko Susilo / Joko Susilo
  Tjahjo Wibowo / Cahjo Wibowo
  Soesilo Bambang / Susilo Bambang
  Yanto Firmansyah / Yanto Pirmansyah
  Novi Fitriani / Nopi Vitriani
  Annisa Rahma / Anisa Rahma
  Muhammad Syafi'i / Muhammad Syafii
  José Lopes / Jose Lopes
  Abd. Rahman / Abdul Rahman
  Abdul Rahman / Abdur Rahman
  Abdulrahman / Abdul Rachman
  Achmad Fauzi / Ahmad Fauzi
  Ahmad Fauzi bin Rahmat / Ahmad Fauzi
  Siti Khadijah binti Ahmad / Siti Khadijah
  Ali bin Abu Talib / Ali Abu Talib
  Al-Farisi Salman / Alfarisi Salman
  Dewi-Lestari Halim / Dewi Lestari Halim
  Abdul-Aziz / Abdul Aziz
  I Made Sari / Made Sari
  I Made Sari / I Md Made Sari
  Ni Luh Sukerti / Luh Sukerti
  Ni Luh Sukerti S.Pd.I / Ni Luh Sukerti
  I Gede Putu Astawa / Gede Astawa
  I Wayan Sudana / I Wayan Sudana, S.H.
  Rina br. Sitorus / Rina Sitorus
  Rina Boru Sitorus / Rina br Sitorus
  Binsar P. Simanjuntak / Binsar Simanjuntak
  Binsar Parulian Simanjuntak / Binsar P. Simanjuntak
  Suharto / suharto
  Sukarno Sosrodihardjo / Soekarno Sosrodiharjo
  王伟 / 王 伟
  王小明 / 王小明
  Wu Bo / Wu  Bo
  Tan Siok Bie / Tan Siok Bie Lestari
  Li Na / LI NA
  Budi Santoso 2600001 / Budi Santoso
  Budi Santoso (KIB 2600001) / Budi Santoso
  KIB: 2600001 Budi Santoso / Budi Santoso
  Suharto 2600001 / Suharto
  Suharto KIB 2600001 / Suharto
  Rudi Hartono (Alm) / Rudi Hartono
  Budi Contoh Santoso / Budi Santoso
  Yohanes Paulus Kolo / Yohanes Kolo Paulus
`);

describe("strangers", () => {
  test.each(strangers)("%s is not %s", (a, b) => {
    expect(compare(a, b).same).toBe(false);
  });
});

describe("the same human being", () => {
  test.each(same)("%s is %s", (a, b) => {
    expect(compare(a, b).same).toBe(true);
  });
});

test("the table has at least 120 pairs, half of them strangers", () => {
  expect(strangers.length + same.length).toBeGreaterThanOrEqual(120);
  expect(strangers.length).toBeGreaterThanOrEqual(same.length);
});

test("the order of the two does not matter", () => {
  for (const [a, b] of [...strangers, ...same]) expect(compare(b, a)).toEqual(compare(a, b));
  const word = fc.constantFrom(..."a b s budi santoso santosa siti aminah aminoh made i ni 王 m. s.t. 7".split(" "));
  const name = fc.array(word, { minLength: 1, maxLength: 6 }).map((words) => words.join(" "));
  fc.assert(fc.property(name, name, (a, b) => expect(compare(b, a)).toEqual(compare(a, b))));
});

test("a name with a letter is its own, also cut to what HikCentral takes", () => {
  for (const long of ["Budi ".repeat(100), `Budi ${"x".repeat(400)}`]) {
    const { givenName, familyName } = namesOf(long);
    expect(samePerson({ ...namesOf(long), kib: undefined }, { givenName, familyName, kib: "" }, "agrees").same).toBe(
      true,
    );
  }
  const word = fc.constantFrom(..."a B. ir. s.t. 王 , kib 2600001 ʼ ' ii oe y H. -".split(" "));
  const odd = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(" "));
  fc.assert(
    fc.property(fc.oneof(odd, fc.string({ unit: "grapheme", maxLength: 600 })), (name) => {
      const names = attempt(() => namesOf(name));
      if (names) expect(samePerson({ ...names, kib: "" }, { ...names, kib: "" }, "unknown").reason).toBe("whole_name");
    }),
    { numRuns: 2000 },
  );
});

describe("a KIB and a date of birth", () => {
  test.each([
    ["Siti Lestari", "Dewi Lestari", "2600001", "2600001", "agrees", "kib"],
    ["Budi", "Budi Santoso", "2600001", "2600001", "agrees", "kib"],
    ["Budi", "Budi Santoso", "2600001", "2600002", "agrees", "too_little"],
    ["Budi", "Budi Santoso", "2600001", "2600001", "unknown", "too_little"],
    ["Budi", "Budi Santoso", "2600001", "2600001", "differs", "too_little"],
    ["Budi", "Budi Santoso", "", "", "agrees", "too_little"],
    ["Siti Aminah", "Siti Nurhaliza", "2600001", "2600001", "agrees", "too_little"],
    ["Sri Wahyuni", "Sri Wahyudi", "2600001", "2600001", "agrees", "too_little"],
    ["I Made Sari", "Ni Made Sari", "2600001", "2600001", "agrees", "sex"],
    ["Budi S", "Joko S", "2600001", "2600001", "agrees", "too_little"],
    ["王伟", "Wang Wei", "2600001", "2600001", "agrees", "nothing_to_compare"],
    ["Budi Santoso", "Budi Santoso", "2600001", "2600002", "agrees", "whole_name"],
    ["Budi Santoso", "Budi Santoso", "2600001", "2600001", "differs", "birth_date"],
    ["Budi Santoso", "Budi Hadi Santoso", undefined, "", "differs", "birth_date"],
    ["Budi Santoso", "Siti Aminah", "2600001", "2600001", "differs", "other_name"],
  ] as const)("%s, %s, KIB %s and %s, birth date %s: %s", (a, b, kibA, kibB, birth, reason) => {
    const verdict = samePerson(named(a, kibA), named(b, kibB), birth);
    expect(verdict.reason).toBe(reason);
    expect(verdict.same).toBe(["kib", "whole_name"].includes(reason));
    expect(reasons[verdict.reason]).toMatch(/^[a-z]/);
  });
});

test("names of hundreds of words and letters are compared in no time", () => {
  const [letters, words] = ["a b c d e f ".repeat(40), "ahmad budi cahyo dewi eko fajar ".repeat(16)];
  const startedAt = performance.now();
  for (const [a, b] of [
    [letters, words],
    [letters, letters],
    [words, words],
    ["x".repeat(512), "x".repeat(511)],
  ])
    compare(a ?? "", b ?? "");
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});

describe("of several human beings with one NIK on a date", () => {
  const [agrees, differs, none] = [{ ymd: "1990-01-31" }, { ymd: "1985-05-05" }, null];
  const record = ([name, birth_date]: readonly [string, object | null]) => ({
    name,
    birth_date,
    identity_number: "3500003101900001",
    kib_number: name.length,
  });
  test.each<[string, (readonly [string, object | null])[], string[]]>([
    [
      "one human being, in two spellings",
      [
        ["Budi Santoso", none],
        ["Boedi Santoso, S.T.", differs],
      ],
      [],
    ],
    [
      "the one whose birth_date agrees goes on",
      [
        ["Hasan Siregar", none],
        ["Wati Halim", agrees],
      ],
      ["Hasan Siregar"],
    ],
    [
      "also where the other one's contradicts",
      [
        ["Wati Halim", agrees],
        ["Hasan Siregar", differs],
      ],
      ["Hasan Siregar"],
    ],
    [
      "both agree: nobody goes on",
      [
        ["Hasan Siregar", agrees],
        ["Wati Halim", agrees],
      ],
      ["Hasan Siregar", "Wati Halim"],
    ],
    [
      "none agrees: nobody goes on",
      [
        ["Hasan Siregar", none],
        ["Wati Halim", differs],
      ],
      ["Hasan Siregar", "Wati Halim"],
    ],
    [
      "two records of the one who agrees, and two others",
      [
        ["Wati Halim", none],
        ["Hasan Siregar", none],
        ["Hj. Wati Halim", agrees],
        ["Joko Wibowo", none],
      ],
      ["Hasan Siregar", "Joko Wibowo"],
    ],
    [
      "a name that is refused anyway is nobody",
      [
        ["Wati Halim", none],
        ["…", agrees],
      ],
      [],
    ],
  ])("%s", (_, people, held) => {
    const [claims, records] = [new Claims(), people.map(record)];
    for (const one of records) claims.add([one]);
    const rivals = claims.rivalsIn(records);
    expect(records.filter((_, at) => rivals.has(at)).map(({ name }) => name)).toEqual(held);
    for (const [at, rival] of rivals) expect(rival).not.toContain(String(records[at]?.name));
  });
});

test("of the records of a page that went on only the claims are kept: a date may have many thousands", () => {
  const claims = new Claims();
  const records = Array.from({ length: 100 }, () => {
    const record = { name: "Budi Contoh", identity_number: "3500003101900001", kib_number: 2_600_001 };
    claims.add([record]);
    return new WeakRef(record);
  });
  Bun.gc(true);
  expect(records.filter((record) => record.deref() === undefined).length).toBeGreaterThan(90);
  expect(claims.rivalsIn([]).size).toBe(0);
});

test("a thousand human beings with one NIK on a date are told apart soon, and each of them is a conflict", () => {
  const claims = new Claims();
  const letters = "bcdfghklmnprstwz";
  const word = (number: number) =>
    Array.from(number.toString(16).padStart(4, "0"), (digit) => `${letters[Number.parseInt(digit, 16)]}a`).join("");
  const records = Array.from({ length: 1_000 }, (_, at) => ({
    name: `${word((at * 7_919) % 65_536)} ${word((at * 31_337) % 65_536)}`,
    identity_number: "3500003101900001",
  }));
  const startedAt = performance.now();
  claims.add(records);
  expect(claims.rivalsIn(records).size).toBe(1_000);
  expect(performance.now() - startedAt).toBeLessThan(20_000);
});
