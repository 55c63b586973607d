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
    unreachable: (queue) => `antrean ${queue} tidak dapat dihubungi: hidupkan lagi node-nya`,
    unconsumed: (queue, count) => `${queue} berisi ${count} pesan dan tidak ada yang mengambilnya`,
  },
  since: (time) => ` sejak ${time}`,
};
