/** What is known of the words in names, as people in Indonesia write them. */

const listOf = (words: string) => words.trim().split(/\s+/);

/** Before a name, without their dots. */
export const titles = new Set(
  listOf(`h hj hjh haji hajah hajjah kh ir dr drs dra drg drh prof tn ny nn sdr sdri bpk bapak ibu mr mrs ms alm almh
    capt pdt ust ustad ustadz ustadzah apt ns jenderal letjen mayjen brigjen kolonel kol letkol mayor kapten kapt
    lettu letda peltu pelda serma serka sertu serda kopka koptu kopda praka pratu prada irjen kombes akbp akp kompol
    iptu ipda aiptu aipda bripka brigadir briptu bripda inf kav czi purn`),
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
  adrian afifah aldian alfan alfian alifah amalia amanda amelia ananda andrian anwar apriyani ardana ardian ardiyanti
  ariana arianti ariawan arini arman artana artawan aryani ashari asman asmawi asnawi aswar azhari azwar badarudin
  badri badrudin baharudin bahri bahrudin basri berliana berlina bisri budianto budiarto dadang danang dariati darman
  darmawan darmin darmo darwati darwin dermawan dianti didik dirman dirmo dodik dwiyanti elvina erliana erlina
  ermawati ernawati erviana ervina fabian fahri faizan fajri farman fauzan febian febriana febrina ferdian ferdinan
  firman gadang gading galang gilang gunadi gunardi hafif hafiz hamdi hanif hardana hardi harini hariz harlan harlina
  harman harmanto harsana harsanto hartadi hartana hartanto hartati hartini hartono harwanto haryadi haryani haryanti
  haryanto haryati haryono hasan hasanah hasman hasna hasnah hasni hasniah hasti hayati herawati herdi heriyanti
  herlan herliana herlina herman hermanto hermawati hernawati herwanto herwati heryadi heryanto heryono hesti husein
  husin husna husnah husni husniah idham ihsan ihwan ikawati ilfan ilham indira indra indrianti indriati irawan
  irawati irfan irham iriawan irman irmawati irnawati irsan irwan irwanto isman ismawati isnawati iswadi iswan iswandi
  iswanto jalaludin jamaludin jarwadi jaswadi jefri jufri jumadi jumaidi junaidi juniarti juniati kariman karman
  kartini kasmawati kasmiati katini kiswanto kristiana kristina kuncoro kuntoro kurniati kusmawati kusmiati kusnadi
  kusnandi kusniati kuswandi kuswanto lisiana lusiana mahfud mahmud malik malinda manik mardi mardiana mardiono
  margana margono mariah mariana mariani mariati marjono marlena marliana marlina marlinda marni marsono martana
  martani martina martono marwah marwanto marwati maryana maryanto maryono mashur maskur masrur mastur melinda melyana
  merliana merlina merlinda mukti mulya mulyana murdi murni mursiah mursidah murti muryanto mutia nabila nadila naila
  nasirul nasrul nilam nizam nuraini nurani nurdiana nurhadi nurliana nurlina nurwati nuryadi nuryati paiman prabowo
  pranowo purwadi purwandi purwanti purwati rahim rahimah rahmah rahman rahmat raina ranto rasid rasidah rasidi rasman
  rasmiati rasmin ratna ratno retna retno ridwan rifka riska risma riswan riswanto riyanto rodiah rodin rofiah rohadi
  rohana rohani rohim rohimah rohmadi rohmah rohman rohmat rohmawati rokman roman rosana rosani rosdiana rosid rosidah
  rosidi roslan rosli rosliana roslina rosma rosman rosmawati rosmiati rosmina rosmini rosnawati rudianto rudin rukman
  rukmini rusdiana rusdianto ruslan rusli rusman rusmiati rusmin rusmina rusmini rusnawati ruswan ruswanto sabri
  safitri safri saiman salamah salbiah salimah salma salmah salmiah samadi samiah samidi samin samiran samsiah samsuri
  saniran sansuri santi santika saptono sardi sarimin sarman sarmin sartika sartini sartono sarwan satria satya
  sawitri selma semadi setya silma sinti sirwan siswadi siswandi siswanto sobri suardana suarjana suarsana suartana
  suartini suastini sudarman sudarsana sudirman suhadi suhardi suharman suhartini suhendi suherdi suherman suhirman
  sukandi sukardi sukarman sukarta sukarti sukerta sukerti sukirman sumanto sumarsih sumiarsih sumiyati supandi
  supardi supratman supriono supriyadi supriyanto supriyati suratman surdi suriyadi suriyanto surono surtini surwanto
  suryanto suryati suryono susanti susanto susianti suswanto sutanto sutarto sutini suwandi suwanto suwardi suyanti
  suyanto suyati suyatno suyitno suyono talia tania tarno taryono tirno trisno triyono umairah umayah wahono wahyono
  wanto wardah wardiah warno warsito wasito widayanti widayati widiarto widiyanto wijayanti winda winto wirawan wirda
  wirno wiryawan wiyanto wiyono yanti yasman yenti yudiana yulia yuliana yulianti yuliarti yuliati yulina yulita yunia
  yunianti yuniarti yunita yurnita yusman yusniarti yusnita zahara zahra zubaida zuraida`);
