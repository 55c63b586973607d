import type { Words } from "./english.ts";

export const indonesian: Words = {
  and: "dan",
  working: "Berjalan normal",
  starting: "Sedang dimulai: tahap-tahap belum mengambil pekerjaan",
  canEnter: (can, of) => `${can} dari ${of} orang yang diinduksi hari ini bisa masuk`,
  nobodyToday: "belum ada yang diinduksi hari ini",
  needYou: (n) => (n === 0 ? "tidak ada yang perlu ditangani" : `${n} orang perlu ditangani`),
  trouble: {
    broker: (label, since) =>
      `${label} tidak dapat dihubungi${since}. Pekerjaan berhenti; tidak ada yang hilang dan dicoba lagi setiap beberapa detik`,
    blocked: (label, since) => `${label} tidak menerima pesan${since}. Kosongkan memori atau ruang disk di sana`,
    upstream: (name, since) =>
      `${name} tidak menjawab${since}. Pekerjaan menunggu, tidak ada yang hilang, dan berlanjut saat ${name} menjawab lagi`,
    setup: (stage, since) => `${stage} dijeda${since}: sistem tujuan menolak pengaturan kita`,
    streak: (stage, since) => `${stage} dijeda${since}: banyak pesan berturut-turut gagal dengan cara yang sama`,
    operator: (stage, since) => `${stage} dijeda${since} oleh operator. Lanjutkan bila alasannya sudah tidak ada`,
    stalled: (stage) => `${stage} macet: ada pekerjaan tetapi tidak ada yang selesai`,
    removed: (file) => `${file} terhapus atau diganti saat daemon berjalan: kembalikan, atau mulai ulang daemon`,
    unreachable: (queue) => `antrean ${queue} tidak dapat dihubungi: hidupkan lagi node-nya`,
    unconsumed: (queue, count) => `${queue} berisi ${count} pesan dan tidak ada yang mengambilnya`,
  },
  outcomes: {
    done: "selesai",
    ended: "diakhiri dengan sengaja",
    retry: "menunggu percobaan berikutnya",
    dead: "gagal",
    warning: "peringatan",
    replayed: "dikirim lagi",
    dropped: "dihapus",
  },
  since: (time) => ` sejak ${time}`,
  who: {
    can: (who) => `${who} bisa masuk: wajah dan akses sudah ada`,
    cannot: (who, because, todo) => `${who} tidak bisa masuk: ${because} Lakukan ini: ${todo}`,
    unknown: (who, because, todo) => `Belum diketahui apakah ${who} bisa masuk: ${because} ${todo}`,
    values: { none: "tidak ada", photo: "ada foto", face: "ada wajah" },
    fields: { name: "Nama", kib: "KIB", face: "Wajah", access: "Akses", validity: "Berlaku sampai" },
    nobody: "Tidak ada yang ditemukan. Nama dicari di HikCentral dan di kasus terbuka; coba dengan KIB atau NIK.",
    unsearched: "HikCentral tidak menjawab, jadi hanya kasus terbuka yang dicari. Coba dengan KIB atau NIK.",
    more: (n) => `Ada ${n} orang lagi dengan nama ini: tulis nama yang lebih lengkap, atau KIB-nya.`,
    badKey: "Tulis nama, KIB atau NIK, paling banyak 100 karakter.",
    reasons: {
      unreachable: { because: "HikCentral tidak menjawab sekarang.", todo: "Coba lagi setelah HikCentral kembali." },
      eposh_away: {
        because: "Eposh tidak menjawab sekarang.",
        todo: "Coba lagi setelah Eposh kembali, atau cari dengan NIK.",
      },
      on_the_way: {
        because: "datanya sedang diproses.",
        todo: "Tunggu satu menit; bila tetap begitu, lihat apa yang ditunggu sistem.",
      },
      not_inducted: {
        because: "Eposh tidak mencatat induksi yang dikenal di sini.",
        todo: "Periksa induksinya di Eposh, lalu mulai proses untuk tanggalnya.",
      },
      missing: {
        because: "Eposh mencatat induksinya, tetapi orang ini tidak ada di HikCentral.",
        todo: "Mulai proses untuk tanggalnya.",
      },
      no_groups: {
        because: "zona di Eposh tidak memberi akses di sini.",
        todo: "Isi zona di Eposh, atau petakan di [regionals], lalu mulai proses untuk tanggalnya.",
      },
      no_access: {
        because: "HikCentral tidak menunjukkan grup akses.",
        todo: "Mulai proses untuk tanggalnya; bila akses sengaja dicabut, biarkan.",
      },
      no_face: {
        because: "tidak ada wajah di HikCentral.",
        todo: "Unggah foto di Eposh, lalu mulai proses untuk tanggalnya.",
      },
      ended: (until) => ({
        because: `masa berlaku di HikCentral berakhir pada ${until}.`,
        todo: "Induksi baru memperpanjangnya; selain itu perpanjang di HikCentral.",
      }),
      hands_off: (word) => ({
        because: `catatan di HikCentral berisi ${word}.`,
        todo: "Tanyakan ke petugas keamanan; program ini tidak mengubah apa pun.",
      }),
      conflict: (other) => ({
        because: `NIK-nya milik ${other} di HikCentral.`,
        todo: "NIK siapa yang benar? Perbaiki yang salah di Eposh, lalu mulai proses untuk tanggalnya.",
      }),
      own: (code) => ({ because: `tahap buatan situs ini gagal dengan ${code}.`, todo: "Lihat kasusnya." }),
    },
  },
};
