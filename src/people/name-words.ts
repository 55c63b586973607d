/** What is known of the words in names, as people in Indonesia write them. */

const listOf = (words: string) => words.trim().split(/\s+/);

/** Before a name, without their dots. */
export const titles = new Set(
  listOf(`h hj hjh haji hajah hajjah kh ir dr drs dra drg drh prof tn ny nn sdr sdri bpk bapak ibu mr mrs ms alm almh
    capt pdt ust ustad ustadz ustadzah apt ns`),
);

/** After a name, without their dots. */
export const degrees = new Set(
  listOf(`drs dra hj alm almh st se sh mt mm mh skm spd spdi spdsd skom ssos ssi sag sip skep sfarm shut spt spsi
    stp sst str strt strkes strkeb stri shi sei sthi sth ssn sked skh sikom sptk sap sak sab amd amdt amdkep amdkeb
    amdkom amk amg amkl msi mpd mpdi mkom mkes mhum meng msc msn mba mph mkep mag mak map mkn msos msm mth mpsi mikom
    phd bsc beng bba bcom bed lc apt ns sse cpa chrp`),
);

/** Those that are names or initials too: a degree only where they have a dot. */
export const dottedDegrees = new Set(listOf("ma ba sp si ss sn mp ms ak ca spog spa spb sppd"));

/** So common that they are no evidence by themselves. */
export const commonWords = listOf(`
  muhammad siti nur nurul sri abdul ahmad agus dewi dwi tri eka eko i ni wayan made nyoman ketut putu gede kadek komang
  luh gusti ida bagus ayu dewa desak anak agung andi daeng raden abu ibnu ibn umi umar maria yohanes yosef bin binti bint
  boru al el van de da dos putra putri tengku teuku cut`);

/** Spellings of one name that folding leaves apart; the first one stands for all. */
export const spellings = [
  `muhammad muh moh mhd mohammad mohamed mohd mochammad muchammad muchamat moch much mukhamad mokhamad`,
  "abdul abd abdur",
  "ahmad achmad akhmad ahmat achmat",
  "nur nor",
  "rizki riski rizqi",
  "rahman rachman",
  "santoso santosa",
].map(listOf);

/** A man has the first one before or in his name, a woman the second one. */
export const manAndWoman = [
  ["i", "ni"],
  ["bin", "binti"],
  ["h", "hj"],
  ["tn", "ny"],
  ["bapak", "ibu"],
  ["drs", "dra"],
  ["sdr", "sdri"],
] as const;

/** Names that are one letter in the middle from another name, which is then no typing error: Darmawan, Dermawan. */
export const otherNames = listOf(`
  adrian aldian andrian ardian amalia amelia anwar aswar azwar badarudin baharudin badrudin bahrudin badri bahri basri
  bisri berliana berlina harlina herlina herliana budianto budiarto darman darmin dirman darwin darmawan dermawan
  darmo dirmo fahri fajri farman firman ferdian ferdinan hanif hafif harlan herlan harman herman hasman harmanto
  hermanto harwanto herwanto haryanto heryanto haryadi heryadi haryono heryono hasan husin husein hasanah hasnah
  husnah hasna husna hasti hesti irawan iriawan irman irwan iswan isman ihwan jalaludin jamaludin jumadi jumaidi
  junaidi juniarti juniati kartini katini kiswanto kuswanto kristiana kristina kuncoro kuntoro lisiana lusiana mahfud
  mahmud mardi murdi mardiana mariana marliana marlina marlena martina merlina merliana marni murni maryanto marwanto
  mashur maskur masrur mastur melyana mulyana nabila nadila nasirul nasrul nurdiana nurliana nurlina paiman rahimah
  rohimah rahman rasman rohman roman rokman rukman rusman rasidah rosidah rasidi rosidi rasmiati rosmiati rusmiati
  rasmin rusmin ratna retna ridwan riswan ruswan risma rosma riswanto ruswanto rodin rudin rohana rosana rohani rosani
  rosdiana rusdiana rosliana roslina rosmina rusmina rosmini rusmini rukmini rosli rusli roslan ruslan saiman sarman
  samiran saniran salamah salimah salma selma silma samin sarmin sarimin samsuri sansuri santi sinti sardi surdi
  sarwan sirwan siswanto suswanto sudarman sudirman suharman suherman suhirman sukarman sukirman supratman suratman
  supriyadi suriyadi supriyanto suriyanto susanto sutanto sutarto suwanto surwanto suyanto suryanto sumanto tarno
  tirno wanto winto wiyanto warno wirno wiyono yanti yenti yasman yusman yuliana yulina yulianti yuliarti yunianti
  yuniarti yusniarti yulia yunia`);
