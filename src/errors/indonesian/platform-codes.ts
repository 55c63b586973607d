/** About the upstreams, their set-up, the daemon and the broker. */
export const platformCodes = {
  hikcentral_down: [
    "HikCentral tidak menjawab.",
    "Hidupkan lagi HikCentral atau jaringannya. Tahap-tahap berlanjut sendiri.",
  ],
  hikcentral_service_exception: [
    "HikCentral melaporkan gangguan layanan, misalnya pada database atau disk.",
    "Periksa server HikCentral. Jeda berakhir sendiri; kasus satu orang: periksa orangnya di sana, lalu kirim lagi.",
  ],
  hikcentral_unreachable: [
    "Sambungan ke HikCentral gagal atau putus.",
    "Periksa jaringan. Jeda berakhir sendiri; kirim lagi kasusnya.",
  ],
  hikcentral_timeout: [
    "HikCentral tidak menjawab dalam waktu hikcentral.timeout.",
    "Periksa beban HikCentral. Jeda berakhir sendiri; kirim lagi kasusnya.",
  ],
  answer_lost: [
    "Sambungan putus sebelum jawaban HikCentral datang, jadi tidak diketahui apakah sudah dikerjakan.",
    "Jeda berakhir sendiri. Kirim lagi kasusnya: tahapnya melihat dulu sebelum menulis lagi.",
  ],
  hikcentral_bad_answer: [
    "Jawabannya bukan dari OpenAPI HikCentral.",
    "Periksa hikcentral.url dan apakah ada proxy yang menjawab. Kirim lagi kasusnya.",
  ],
  hikcentral_wrong_key: [
    "HikCentral tidak mengenal kunci partner.",
    "Isi hikcentral.app_key dengan kunci partner OpenAPI.",
  ],
  hikcentral_wrong_signature: [
    "HikCentral menolak tanda tangan: rahasia partner salah, atau gateway meminta tanda tangan lain.",
    "Perbaiki hikcentral.app_secret, atau ubah hikcentral.signature.",
  ],
  hikcentral_not_permitted: ["Partner tidak punya izin untuk API ini.", "Centang API itu untuk partner di HikCentral."],
  hikcentral_not_supported: [
    "HikCentral tidak mengenal panggilan ini.",
    "Periksa hikcentral.url dan versi HikCentral.",
  ],
  hikcentral_call_limit: [
    "Jatah panggilan partner habis.",
    "Naikkan batasnya di HikCentral, atau tunggu periode berikutnya.",
  ],
  hikcentral_licence: [
    "HikCentral tidak punya lisensi, atau tidak ada tempat untuk orang lagi.",
    "Perpanjang lisensi HikCentral.",
  ],
  hikcentral_refused: [
    "HikCentral menolak partner tanpa alasan yang biasa.",
    "Periksa kunci, rahasia dan hak partner.",
  ],
  hikcentral_setup: [
    "HikCentral menolak menunjukkan kolom, grup akses atau organisasinya. Tidak ada yang ditulis.",
    "Periksa versi HikCentral dan hak partner.",
  ],
  kib_field_missing: [
    "Kolom nomor KIB tidak ada di HikCentral dengan ID dan nama yang dikonfigurasi. Nomornya menunggu; yang lain tetap berjalan.",
    "Perbaiki hikcentral.kib_field_id atau hikcentral.kib_field_name.",
  ],
  organisation_missing: [
    "Organisasi yang dikonfigurasi tidak ada di HikCentral. Orang baru menunggu.",
    "Perbaiki hikcentral.organisation.",
  ],
  privilege_group_missing: [
    "Grup akses satu zona tidak ada di HikCentral. Karyawan zona itu mendapat yang lainnya.",
    "Perbaiki ID di [regionals], atau buat grupnya, lalu mulai proses untuk tanggalnya.",
  ],
  hikcentral_untrusted: [
    "Sertifikat HikCentral tidak ditandatangani otoritas yang dipercaya mesin ini.",
    "Bandingkan SHA-256-nya dengan sertifikat di mesin HikCentral. Bila sama, isi hikcentral.fingerprint.",
  ],
  hikcentral_certificate_changed: [
    "HikCentral menunjukkan sertifikat lain dari yang dikunci.",
    "Tanyakan siapa yang menggantinya. Bila benar, isi hikcentral.fingerprint dengan yang baru.",
  ],
  already_exists: ["HikCentral mengatakan datanya sudah ada.", "Periksa orangnya di HikCentral, lalu kirim lagi."],
  not_found: [
    "Orang, kolom atau grup yang disebut tidak ada di HikCentral.",
    "Cari tahu apakah dihapus. Perbaiki [regionals], atau mulai proses untuk tanggalnya.",
  ],
  incorrect_parameter: [
    "HikCentral menolak satu nilai.",
    "Periksa hikcentral.organisation dan hikcentral.gender, lalu datanya. Kirim lagi.",
  ],
  hikcentral_no_permission: [
    "Partner tidak berhak atas orang atau grup ini.",
    "Beri partner haknya di HikCentral, lalu kirim lagi.",
  ],
  hikcentral_device_offline: [
    "Satu perangkat tidak menjawab HikCentral.",
    "Kirim lagi bila perangkatnya sudah menyala.",
  ],
  hikcentral_operation_failed: ["HikCentral tidak dapat melakukannya.", "Lihat log HikCentral, lalu kirim lagi."],
  hikcentral_busy: [
    "HikCentral terlalu sibuk pada setiap percobaan.",
    "Turunkan hikcentral.concurrency, lalu kirim lagi.",
  ],
  "hikcentral_code_<n>": [
    "HikCentral menjawab dengan kode yang tidak didokumentasikan.",
    "Baca rinciannya. Kirim lagi, dan laporkan kodenya kepada kami.",
  ],
  eposh_down: ["Eposh tidak menjawab.", "Hidupkan lagi Eposh atau jaringannya. Tahap-tahap berlanjut sendiri."],
  eposh_unavailable: [
    "Eposh tidak menjawab, atau menjawab dengan kesalahan server.",
    "Periksa Eposh. Jeda berakhir sendiri; kirim lagi kasusnya.",
  ],
  eposh_refused: [
    "Eposh menolak kuncinya, tidak punya halaman di alamat ini, atau menolak satu tanggal.",
    "Periksa eposh.api_key, eposh.app_id dan eposh.url; untuk satu tanggal tanyakan pengelola Eposh, lalu kirim lagi.",
  ],
  eposh_untrusted: [
    "Sertifikat Eposh tidak ditandatangani otoritas yang dipercaya mesin ini.",
    "Periksa jam mesin ini dan apakah ada proxy. Bila sertifikatnya milik Eposh sendiri, isi eposh.ca_file.",
  ],
  eposh_busy: ["Eposh meminta kita melambat pada setiap percobaan.", "Kirim lagi nanti."],
  eposh_bad_page: [
    "Jawaban Eposh bukan halaman karyawan yang utuh.",
    "Periksa eposh.url, dan tanyakan pengelola Eposh apa yang berubah. Kirim lagi kasusnya.",
  ],
  count_mismatch: [
    "Eposh memberi jumlah karyawan yang lain dari hitungannya, tiga kali berturut-turut.",
    "Mulai proses untuk tanggalnya lagi nanti.",
  ],
  photo_unavailable: [
    "Penyimpanan foto tidak menjawab. Orangnya sudah terdaftar; wajahnya menyusul sendiri.",
    "Periksa penyimpanan fotonya.",
  ],
  photo_refused: [
    "Penyimpanan menolak fotonya: tautannya kedaluwarsa, atau tidak ada isinya.",
    "Mulai proses untuk tanggalnya: Eposh memberi tautan baru.",
  ],
  photo_untrusted: [
    "Sertifikat penyimpanan foto tidak dipercaya mesin ini. Wajahnya menyusul sendiri.",
    "Periksa jam mesin ini dan apakah ada proxy, atau isi photo.ca_file.",
  ],
  photo_host_not_allowed: [
    "Tautan foto menuju host yang tidak diizinkan. Orangnya terdaftar tanpa wajah ini.",
    "Bila host-nya benar, tambahkan ke photo.allowed_hosts, muat ulang, lalu mulai proses untuk tanggalnya.",
  ],
  paused_by_operator: [
    "Operator menjeda tahap ini. Jeda tetap ada setelah dimulai ulang.",
    "Lanjutkan tahap ini bila sudah boleh.",
  ],
  bad_message: [
    "Ada pesan di antrean tahap ini yang tidak diterimanya.",
    "Cari tahu program mana yang mengirimnya, lalu hapus.",
  ],
  bad_result: [
    "Satu tahap menghasilkan sesuatu yang tidak diterima tahap berikutnya.",
    "Perbaiki tahapnya, lalu kirim lagi.",
  ],
  no_result: [
    "Satu tahap tidak menghasilkan apa pun, padahal ada tahap sesudahnya.",
    "Perbaiki tahapnya, lalu kirim lagi.",
  ],
  stage_timeout: [
    "Satu tahap melewati batas waktunya pada setiap percobaan.",
    "Cari tahu apa yang ditunggunya, lalu kirim lagi.",
  ],
  unexpected_error: [
    "Satu tahap gagal pada setiap percobaan dengan kesalahan yang tidak terduga.",
    "Baca rinciannya dan perbaiki sebabnya, lalu kirim lagi.",
  ],
  decoder_failed: [
    "Proses pengolah foto tidak dapat dimulai. Orang tetap dibuat; wajahnya menyusul sendiri.",
    "Periksa memori dan batas jumlah proses di mesin ini.",
  ],
  crashed_daemon: [
    "Daemon berhenti mendadak empat kali saat mengerjakan pesan ini.",
    "Cari tahu apa sebabnya, lalu kirim lagi. Setelah empat kali listrik padam kirim lagi langsung.",
  ],
  unknown: [
    "Tidak diketahui mengapa gagal: program lain yang menaruhnya di sana.",
    "Baca isinya, lalu kirim lagi atau hapus.",
  ],
  ended: ["Satu tahap mengakhirinya dengan sengaja, atau operator membatalkan prosesnya.", "Tidak perlu apa-apa."],
  stalled: [
    "Ada pesan menunggu dan tidak ada yang selesai.",
    "Awalnya tidak perlu apa-apa: systemd memulai ulang daemon. Bila terulang, cari tahu apa yang ditunggu tahap itu.",
  ],
  broker_away: [
    "Antrean pesan tidak dapat dihubungi atau ditulis. Pekerjaan menunggu.",
    "Hidupkan RabbitMQ dan periksa broker.url; antrean tertanam: kosongkan ruang disk.",
  ],
  broker_blocked: [
    "RabbitMQ tidak menerima pesan sampai ada memori dan ruang disk lagi.",
    "Kosongkan ruang di mesinnya.",
  ],
  unreachable_queues: [
    "RabbitMQ menjawab, tetapi node yang menyimpan antrean ini hilang. Isinya menunggu.",
    "Hidupkan lagi node itu.",
  ],
  unconsumed_queue: [
    "Satu antrean berisi pesan dan tidak ada yang mengambilnya.",
    "Aktifkan tahapnya (stages.disabled), atau jalankan program yang mengambilnya.",
  ],
  reload_refused: [
    "Konfigurasi yang diubah salah. Yang lama masih dipakai.",
    "Perbaiki yang disebut, lalu muat ulang.",
  ],
  run_lost: [
    "Satu proses belum selesai, dan tidak ada antrean yang berisi pesannya.",
    "Mulai lagi proses untuk tanggal-tanggalnya.",
  ],
  needs_restart: [
    "Sebagian nilai yang diubah baru berlaku setelah dimulai ulang.",
    "Mulai ulang layanan bila waktunya cocok.",
  ],
  wrong_token: [
    "Seseorang memanggil daemon dengan token yang salah.",
    "Cari tahu siapa. Token yang benar selalu berlaku.",
  ],
} as const;
