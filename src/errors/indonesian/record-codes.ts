/** About one employee: the record, the photo, and the person that the record belongs to. */
export const recordCodes = {
  bad_employee: ["Data karyawan bukan objek dengan isian.", "Perbaiki di Eposh, lalu mulai proses untuk tanggalnya."],
  bad_identity_number: [
    "NIK kosong, asal isi, kurang angka, atau bukan NIK maupun nomor paspor.",
    "Perbaiki NIK di Eposh, lalu mulai proses untuk tanggalnya.",
  ],
  odd_identity_number: [
    "NIK tidak berisi tanggal lahir. Ada NIK asli yang begitu.",
    "Bandingkan dengan KTP. Bila salah, perbaiki di Eposh dan mulai proses untuk tanggalnya.",
  ],
  unusual_identity_number: [
    "Nomor identitas hanya 6 sampai 12 angka: mungkin paspor asing, atau NIK yang kurang angka.",
    "Bandingkan dengan paspor. Bila salah, perbaiki di Eposh dan mulai proses untuk tanggalnya.",
  ],
  birth_date_differs: [
    "Tanggal lahir di data tidak sama dengan yang ada di NIK.",
    "Bandingkan keduanya dengan KTP, perbaiki yang salah di Eposh, lalu mulai proses untuk tanggalnya.",
  ],
  niks_rounded: [
    "Semua NIK pada tanggal itu berakhir dengan 0: dibulatkan oleh spreadsheet. Tidak seorang pun dari tanggal itu diteruskan.",
    "Perbaiki NIK di Eposh, mulai proses untuk tanggalnya, lalu hapus kasus ini.",
  ],
  bad_kib_number: [
    "Nomor KIB bukan teks atau bilangan bulat, atau tidak diterima kolom KIB di HikCentral. Kolomnya tidak diubah; akses tetap diberikan.",
    "Perbaiki nomornya di Eposh, atau jenis kolomnya di HikCentral, lalu mulai proses untuk tanggalnya.",
  ],
  bad_name: [
    "Nama kosong, bukan teks, atau tidak punya huruf yang diterima HikCentral.",
    "Perbaiki nama di Eposh, lalu mulai proses untuk tanggalnya.",
  ],
  name_cut: [
    "Nama lebih panjang dari yang diterima HikCentral dan dipotong.",
    "Tidak perlu apa-apa, atau pendekkan nama di Eposh.",
  ],
  identity_conflict: [
    "Di HikCentral ada orang dengan NIK ini, atau di Eposh ada data lain pada tanggal itu, yang mungkin orang lain. Rinciannya menyebut kedua nama dan kedua KIB.",
    "Cari tahu NIK siapa yang salah, lalu putuskan kasusnya di halaman Kasus. NIK yang salah diperbaiki di Eposh, orang yang salah di HikCentral.",
  ],
  person_not_visible: [
    "HikCentral punya orang dengan NIK ini tetapi tidak menunjukkannya kepada partner.",
    "Izinkan partner melihat organisasi orang itu di HikCentral, lalu kirim lagi.",
  ],
  person_changed: [
    "Nomor orang ini sekarang milik orang lain di HikCentral, misalnya setelah pemulihan cadangan.",
    "Mulai proses untuk tanggalnya, lalu hapus kasus ini.",
  ],
  person_not_seen: [
    "HikCentral tidak menemukan orang dengan NIK yang baru saja ditambahkan.",
    "Kirim lagi. Bila terulang, cari orangnya di HikCentral.",
  ],
  no_photo: [
    "Karyawan ini tidak punya foto yang dapat dipakai, jadi tidak ada wajah. Jika rinciannya menyebut sampai kapan foto dicoba lagi, wajahnya menyusul sendiri.",
    "Unggah foto di Eposh, lalu mulai proses untuk tanggalnya. Rinciannya menyebut alasannya.",
  ],
  photo_missing: ["Tautan foto tidak menuju apa pun.", "Unggah foto di Eposh, lalu mulai proses untuk tanggalnya."],
  photo_unusable: [
    "Foto terlalu besar, rusak, atau bukan foto.",
    "Unggah foto lain di Eposh, lalu mulai proses untuk tanggalnya.",
  ],
  photo_not_updated: [
    "Foto baru tidak dapat dipakai, jadi wajah lama tetap dipakai.",
    "Unggah foto lain di Eposh, lalu mulai proses untuk tanggalnya.",
  ],
  shared_photo: [
    "Karyawan lain punya tautan foto yang sama.",
    "Bandingkan kedua wajah. Bila satu salah, unggah foto yang benar di Eposh dan mulai proses untuk tanggalnya.",
  ],
  face_refused: [
    "HikCentral menolak wajahnya.",
    "Unggah foto lain di Eposh dan mulai proses untuk tanggalnya, atau unggah wajah langsung di HikCentral.",
  ],
  face_not_stored: [
    "HikCentral dua kali menerima wajahnya tetapi tidak menyimpannya.",
    "Unggah wajah langsung di HikCentral.",
  ],
  no_kib: [
    "Karyawan ini tidak punya nomor KIB di Eposh. Kolom KIB di HikCentral tidak diubah.",
    "Isi nomornya di Eposh, lalu mulai proses untuk tanggalnya.",
  ],
  taken_away_in_hikcentral: [
    "Seseorang menonaktifkan orang ini di HikCentral: masa berlaku berakhir, grup dicabut, atau ada kata larangan di catatannya. Itu dibiarkan.",
    "Bila benar, tidak perlu apa-apa. Induksi berikutnya memulihkan masa berlaku dan grup; selain itu ubah di HikCentral.",
  ],
  kib_in_use: [
    "Orang lain di HikCentral juga punya nomor KIB ini. Rinciannya menyebut orang itu.",
    "Bandingkan kedua data di Eposh, perbaiki yang salah, dan hapus orang yang tertinggal di HikCentral.",
  ],
  no_regionals: [
    "Karyawan ini tidak punya zona di Eposh, jadi tidak mendapat akses.",
    "Isi zona di Eposh, lalu mulai proses untuk tanggalnya.",
  ],
  too_many_zones: [
    "Data menyebut lebih banyak zona, atau pesan lebih banyak grup akses, daripada yang dimiliki siapa pun. 100 yang pertama dipakai.",
    "Cari tahu siapa yang menulis data itu di Eposh, atau program mana yang mengirim pesannya.",
  ],
  unknown_regional: [
    "Satu zona karyawan ini tidak punya grup akses di konfigurasi.",
    "Tambahkan slug zona itu di [regionals], muat ulang, lalu mulai proses untuk tanggalnya.",
  ],
  access_not_applied: ["HikCentral menolak mengirim akses orang ini ke perangkat.", "Terapkan aksesnya di HikCentral."],
} as const;
