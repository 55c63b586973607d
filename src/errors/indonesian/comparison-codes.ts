/** What the nightly comparison and `verify` find, beyond what a stage says too. */
export const comparisonCodes = {
  not_in_hikcentral: [
    "Di HikCentral tidak ada orang dengan NIK karyawan ini.",
    "Tidak perlu apa-apa: proses untuk tanggalnya menambahkan orang itu lagi, dan hasilnya menutup kasus ini.",
  ],
  face_missing: [
    "Orang ini tidak punya wajah di HikCentral, padahal Eposh punya foto.",
    "Tidak perlu apa-apa: proses untuk tanggalnya mengirim wajah lagi, dan hasilnya menutup kasus ini.",
  ],
  face_outdated: [
    "Foto di Eposh lain dari foto yang terakhir dikirim ke HikCentral.",
    "Tidak perlu apa-apa: proses untuk tanggalnya mengirim foto baru, dan hasilnya menutup kasus ini.",
  ],
  kib_differs: [
    "Nomor KIB orang ini di HikCentral lain dari yang di Eposh, atau kosong. Rinciannya menyebut nomornya.",
    "Tidak perlu apa-apa: proses untuk tanggalnya menulis nomor dari Eposh, dan hasilnya menutup kasus ini.",
  ],
  validity_ended: [
    "Masa berlaku orang ini berakhir sebelum induksi terakhir.",
    "Tidak perlu apa-apa: proses untuk tanggalnya memperpanjang masa berlaku, dan hasilnya menutup kasus ini.",
  ],
  access_lost: [
    "Grup akses yang sudah diberikan tidak ada lagi, karena HikCentral dipulihkan dari cadangan sebelum pemberian itu.",
    "Tidak perlu apa-apa: proses untuk tanggalnya memberikan grup itu lagi, dan hasilnya menutup kasus ini.",
  ],
  not_yet_valid: [
    "Masa berlaku orang ini di HikCentral baru mulai nanti. Perbandingan membiarkannya.",
    "Bila memang begitu, tidak perlu apa-apa. Bila tidak, ubah awal masa berlaku di HikCentral, atau mulai proses untuk tanggalnya.",
  ],
  name_differs: [
    "Orang dengan NIK karyawan ini bernama lain di HikCentral dan mungkin orang lain.",
    "Mulai proses untuk tanggalnya: hasilnya adalah identity_conflict yang Anda putuskan.",
  ],
  kib_on_other_person: [
    "Nomor KIB karyawan ini ada pada orang dengan NIK lain di HikCentral, dan tidak pada orangnya sendiri.",
    "Bandingkan kedua data. Bila orangnya sama, perbaiki NIK di Eposh atau hapus orang yang lain di HikCentral.",
  ],
  unmatched_member: [
    "Orang tanpa catatan kita ada di salah satu grup akses dari [regionals], tidak ada data Eposh yang menjelaskannya, dan ia belum ada pada perbandingan pertama.",
    "Cari tahu siapa yang memberi akses. Bila salah, keluarkan orang itu dari grup di HikCentral. Bila benar, hapus kasus ini: ia tetap tertutup.",
  ],
} as const;
