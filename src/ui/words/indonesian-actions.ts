import type { UiWords } from "./english.ts";

export const indonesianActions: UiWords["actions"] = {
  confirm: "Konfirmasi",
  back: "Kembali",
  gone: "Formulir ini sudah dikirim atau terlalu lama. Tidak ada yang dilakukan. Kembali dan buka lagi.",
  bad: "Formulir ini tidak sesuai dengan yang dibuat halaman ini. Tidak ada yang dilakukan.",
  viewer: "Anda masuk sebagai pembaca. Hanya operator yang boleh melakukan ini.",
  viewerNote: "hanya operator yang boleh melakukan ini",
  unknown: "Ini sudah tidak ada lagi. Tidak ada yang dilakukan.",
  failed: (text) => `Tidak ada lagi yang dilakukan: ${text}`,
  slow: "antrean pesan tidak menjawab sekarang, coba lagi sebentar",
  running: "Ini perlu waktu lebih lama. Prosesnya berlanjut, dan hasilnya dicatat di halaman Sistem.",
  typed: (number) => `Ketik ${number} untuk mengonfirmasi`,
  typedWrong: "Angkanya tidak sesuai dengan yang diminta. Tidak ada yang dilakukan.",
  names: {
    pause: "jeda",
    resume: "lanjutkan",
    cancel: "batalkan",
    start: "mulai proses",
    replay: "kirim lagi",
    drop: "hapus",
    examine: "periksa",
    login: "masuk",
    sync: "sinkronkan",
    decide: "putuskan",
  },
  decide: {
    inHikCentral: {
      question: "Apakah keduanya orang yang sama?",
      answers: {
        same: {
          title: "Orang yang sama",
          text: "Pesannya kembali ke tahapnya dan menimpa orang di HikCentral dengan data ini.",
        },
        "record-wrong": {
          title: "Bukan orang yang sama: data di Eposh salah",
          text: "Kasus ditutup sampai datanya berubah. Perbaiki di Eposh.",
        },
        "person-wrong": {
          title: "Bukan orang yang sama: orang di HikCentral salah",
          text: "Kasus tetap terbuka, dan setiap proses mencobanya lagi. Perbaiki orangnya di HikCentral.",
        },
      },
      kept: "Jawaban ini disimpan hanya untuk data ini dan nama ini di HikCentral.",
    },
    inEposh: {
      question: "NIK ini milik siapa?",
      answers: {
        same: {
          title: "NIK ini milik data ini",
          text: "Pesannya kembali ke tahapnya, dan orangnya dibuat dari data ini.",
        },
        "record-wrong": {
          title: "Data ini salah",
          text: "Kasus ditutup sampai data ini berubah. Perbaiki di Eposh.",
        },
        "person-wrong": {
          title: "Data yang lain salah",
          text: "Kasus tetap terbuka, dan setiap proses mencobanya lagi. Perbaiki data yang lain di Eposh.",
        },
      },
      kept: "Jawaban ini disimpan hanya untuk kedua data ini.",
    },
    done: (answer) => `Diputuskan: ${answer}.`,
  },
  pause: {
    title: (stage) => `Jeda ${stage}?`,
    text: "Tahap ini tidak mengambil pekerjaan sampai operator melanjutkannya, juga setelah dimulai ulang. Tidak ada yang hilang; antreannya bertambah.",
    done: (stage) => `${stage} dijeda.`,
  },
  resume: {
    title: (stage) => `Lanjutkan ${stage}?`,
    text: "Tahap ini mengambil pekerjaan lagi.",
    done: (stage) => `${stage} bekerja lagi.`,
  },
  cancel: {
    title: (run) => `Batalkan proses ${run}?`,
    text: (open) =>
      `${open} karyawan dalam perjalanan berhenti di tahap berikutnya. Yang sudah selesai tetap selesai. Ini tidak dapat dibatalkan; ambil lagi tanggalnya bila perlu.`,
    done: (run) => `Proses ${run} dibatalkan.`,
    over: "Proses ini sudah selesai: tidak ada sisa yang dapat dibatalkan.",
  },
  start: {
    title: "Mulai proses?",
    text: (from, to) =>
      `Mengambil semua orang yang diinduksi dari ${from} sampai ${to} dari Eposh. Karyawan tanpa hal baru tidak mengubah apa pun.`,
    kib: (kib) => `Hanya KIB ${kib}.`,
    accepted: (run) => `Proses ${run} dimulai.`,
    covered: (run) => `Proses ${run} sudah mengambil tanggal-tanggal ini.`,
  },
  rate: {
    label: "Seberapa cepat",
    options: (rate) => (rate === "" ? "semua sekaligus" : `${rate} per detik`),
  },
  replay: {
    title: (n) => `Kirim ${n} pesan lagi?`,
    text: "Setiap pesan kembali ke tahap yang gagal dan dicoba dari awal. Yang gagal lagi kembali ke sini.",
    button: "Kirim lagi",
    kept: (n, why) => `${n} disimpan: ${why}.`,
    done: (n) => `${n} pesan dikirim lagi.`,
    none: "Tidak ada yang dapat dikirim lagi sekarang.",
  },
  drop: {
    title: (n) => `Hapus ${n} kasus untuk selamanya?`,
    text: "Pesan karyawan yang tertahan dihapus: pesan itu tidak lagi membawa mereka ke HikCentral. Kasus muncul lagi bila suatu proses menemui masalahnya lagi. Ini tidak dapat dibatalkan; mulai lagi proses untuk tanggalnya bila perlu.",
    button: "Hapus selamanya",
    kept: (n, why) => `${n} disimpan: ${why}.`,
    done: (n) => `${n} kasus dihapus.`,
    none: "Tidak ada yang dapat dihapus.",
  },
  sync: {
    title: (who) => `Sinkronkan ${who} sekarang?`,
    text: (date) =>
      `Memulai proses biasa untuk orang ini dan ${date}: datanya diambil lagi dari Eposh dan dibawa ke HikCentral.`,
  },
  examine: {
    title: "Periksa semua sistem?",
    text: "Mengajukan beberapa pertanyaan ke Eposh, HikCentral, penyimpanan foto dan antrean pesan. Tidak mengubah apa pun.",
    done: "Pemeriksaan berjalan.",
  },
};
