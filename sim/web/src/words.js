// The page's own words. What runs and laws are called comes with the document.

let language = "en";

export function setLanguage(code) {
  language = code;
  document.documentElement.lang = code;
}

export function getLanguage() {
  return language;
}

// The text of a label {en, ja, ...} in the page's language, else in English.
export function say(texts) {
  return texts?.[language] || texts?.en || "";
}

// A word of the page; {name} in it is replaced.
export function t(key, values = {}) {
  const texts = WORDS[key];
  if (!texts) throw new Error(`no words for ${key}`);
  return say(texts).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

// A name with what stands in brackets behind it, and a name as a sentence, as each language writes them.
export function bracketed(name, inner) {
  return language === "ja" ? `${name}（${inner}）` : `${name} (${inner})`;
}

export function sentence(name) {
  return language === "ja" ? `${name}。` : `${name}.`;
}

export function joined(...names) {
  return names.filter(Boolean).join(language === "ja" ? "、" : ", ");
}

export const LANGUAGES = {en: "English", ja: "日本語", ko: "한국어"};

const WORDS = {
  language: {en: "Language", ja: "言語", ko: "언어"},
  scenario: {en: "Scenario", ja: "シナリオ", ko: "시나리오"},
  scenario_shown: {en: "Scenario shown", ja: "表示するシナリオ", ko: "표시할 시나리오"},
  baseline: {en: "baseline", ja: "基準", ko: "기준"},
  contents: {en: "Contents", ja: "目次", ko: "목차"},
  chart: {en: "Chart", ja: "グラフ", ko: "그래프"},
  map: {en: "Map", ja: "地図", ko: "지도"},
  table: {en: "Table", ja: "表", ko: "표"},
  views: {en: "Views of {title}", ja: "{title}の表示", ko: "{title} 보기"},
  csv: {en: "CSV", ja: "CSV", ko: "CSV"},
  png: {en: "PNG", ja: "PNG", ko: "PNG"},
  save_csv: {en: "Save the table of {title} as CSV", ja: "{title}の表をCSVで保存", ko: "{title} 표를 CSV로 저장"},
  save_png: {en: "Save the picture of {title} as PNG", ja: "{title}の図をPNGで保存", ko: "{title} 그림을 PNG로 저장"},
  no_map: {en: "This indicator is not recorded by place", ja: "この指標は地域別に記録されていない", ko: "이 지표는 지역별로 기록되지 않음"},
  level: {en: "Level", ja: "水準", ko: "수준"},
  difference: {en: "Difference from the baseline", ja: "基準との差", ko: "기준과의 차이"},
  difference_sum: {en: "Difference, summed since the start", ja: "差（開始からの累計）", ko: "차이(시작 이후 누계)"},
  month: {en: "Month", ja: "年月", ko: "연월"},
  low: {en: "low", ja: "下限", ko: "하한"},
  high: {en: "high", ja: "上限", ko: "상한"},
  value: {en: "value", ja: "値", ko: "값"},
  points: {en: "points", ja: "ポイント", ko: "%p"},
  at_start: {en: "{value} in {month}", ja: "{month}は{value}", ko: "{month} {value}"},
  of_base: {en: "of {value} ({share})", ja: "基準は{value}（{share}）", ko: "기준 {value} ({share})"},
  to: {en: "{low} to {high}", ja: "{low}～{high}", ko: "{low}~{high}"},
  no_interval: {en: "no interval: too few runs", ja: "区間なし（実行が少ない）", ko: "구간 없음(실행 부족)"},
  not_sure: {en: "not distinguishable from zero", ja: "ゼロと区別できない", ko: "0과 구별되지 않음"},
  exactly_none: {en: "equal in every pair of runs", ja: "どの対の実行でも等しい", ko: "모든 짝 실행에서 같음"},
  in_month: {en: "in {month}", ja: "{month}", ko: "{month}"},
  who: {en: "Who", ja: "誰に", ko: "누구에게"},
  who_status: {en: "by status of residence", ja: "在留資格別", ko: "체류자격별"},
  who_origin: {en: "by nationality", ja: "国籍・地域別", ko: "국적별"},
  who_title: {en: "Who: people by status, {month}", ja: "誰に：在留資格別の人数、{month}", ko: "누구에게: 체류자격별 인원, {month}"},
  who_title_diff: {en: "Who: difference by status, {month}", ja: "誰に：在留資格別の差、{month}", ko: "누구에게: 체류자격별 차이, {month}"},
  who_first: {en: "The {count} largest", ja: "大きい順に{count}", ko: "큰 순서로 {count}개"},
  origin_title: {en: "Residents by nationality, {month}", ja: "国籍・地域別の在留外国人、{month}", ko: "국적별 체류 외국인, {month}"},
  origin_title_diff: {en: "Difference in residents by nationality, {month}", ja: "国籍・地域別の在留外国人の差、{month}", ko: "국적별 체류 외국인 차이, {month}"},
  ages_title: {en: "Ages at the start and at the end", ja: "開始時と終了時の年齢", ko: "시작과 끝의 연령"},
  ages_note: {en: "Women left, men right; outline: {first}, filled: {last}. {arm}.", ja: "左が女性、右が男性。線は{first}、塗りは{last}。{arm}。", ko: "왼쪽 여성, 오른쪽 남성. 선 {first}, 채움 {last}. {arm}."},
  ages_note_base: {en: "Women left, men right; filled: {arm}, {last}; outline: the baseline at the same time.", ja: "左が女性、右が男性。塗りは{arm}（{last}）、線は同時点の基準。", ko: "왼쪽 여성, 오른쪽 남성. 채움 {arm}({last}), 선은 같은 시점의 기준."},
  ages_title_diff: {en: "Ages, {month}", ja: "年齢、{month}", ko: "연령, {month}"},
  women: {en: "women", ja: "女性", ko: "여성"},
  men: {en: "men", ja: "男性", ko: "남성"},
  age: {en: "age", ja: "年齢", ko: "연령"},
  composition_title: {en: "Foreign residents by group of statuses", ja: "在留資格の区分別の人数", ko: "체류자격 구분별 인원"},
  where: {en: "Where", ja: "どこで", ko: "어디에서"},
  where_title: {en: "Where: foreign residents by prefecture, {month}", ja: "どこで：都道府県別の在留外国人、{month}", ko: "어디에서: 광역별 체류 외국인, {month}"},
  where_title_diff: {en: "Where: difference in foreign residents, % of the baseline, {month}", ja: "どこで：在留外国人の差（基準比％）、{month}", ko: "어디에서: 체류 외국인 차이(기준 대비 %), {month}"},
  blank: {en: "Blank: not distinguishable from zero.", ja: "空白はゼロと区別できない。", ko: "빈칸은 0과 구별되지 않음."},
  blank_count: {en: "{sure} of {all} are distinguishable from zero; by chance alone about {chance} would be.", ja: "{all}のうち{sure}がゼロと区別できる（偶然だけでも約{chance}）。", ko: "{all}곳 중 {sure}곳이 0과 구별됨(우연만으로도 약 {chance}곳)."},
  towns_title: {en: "Foreign residents of {count} municipalities, {month}", ja: "{count}市区町村の在留外国人、{month}", ko: "{count}개 기초단체의 체류 외국인, {month}"},
  towns_title_diff: {en: "Difference in {count} municipalities, {month}", ja: "{count}市区町村の差、{month}", ko: "{count}개 기초단체의 차이, {month}"},
  towns_note: {en: "Area of a circle: residents. Colour: change since {first}; white is that of the whole country. Grey: fewer than thirty simulated people, too few to tell a change.", ja: "円の面積は人数、色は{first}からの増減（白は全国の増減）。灰色は標本が30人未満で、増減を読めない。", ko: "원의 넓이는 인원, 색은 {first} 이후 증감(흰색은 전국 평균). 회색은 표본 30명 미만으로 증감을 읽을 수 없음."},
  towns_note_diff: {en: "Area of a circle: size of the difference. Only municipalities whose difference is distinguishable from zero are coloured; grey dots are the others.", ja: "円の面積は差の大きさ。ゼロと区別できる市区町村だけに色をつけ、他は灰色の点で示す。", ko: "원의 넓이는 차이의 크기. 0과 구별되는 곳만 색을 칠하고 나머지는 회색 점."},
  only_chance: {en: "No more than chance alone: read no single one.", ja: "偶然と変わらない数であり、個々の地域は読めない。", ko: "우연과 다르지 않으므로 개별 지역은 읽을 수 없음."},
  summed_note: {en: "Σ: summed since the start.", ja: "Σ：開始からの累計。", ko: "Σ: 시작 이후 누계."},
  where_dots: {en: "people", ja: "人", ko: "명"},
  towns_shapes: {en: "Colour: change since {first}; white is that of the whole country. Grey: fewer than thirty simulated people, too few to tell a change.", ja: "色は{first}からの増減（白は全国の増減）。灰色は標本が30人未満で、増減を読めない。", ko: "색은 {first} 이후 증감(흰색은 전국 평균). 회색은 표본 30명 미만으로 증감을 읽을 수 없음."},
  towns_shapes_diff: {en: "Only municipalities whose difference is distinguishable from zero are coloured.", ja: "ゼロと区別できる市区町村だけに色をつける。", ko: "0과 구별되는 곳만 색칠함."},
  towns_credit_own: {en: "Boundaries: from the file given to this report. Coast: Natural Earth.", ja: "境界：本レポートに与えられたファイル。海岸線：Natural Earth。", ko: "경계: 이 보고서에 주어진 파일. 해안선: Natural Earth."},
  towns_outside: {en: "{count} places lie outside the map and are in the table only.", ja: "地図の外にある{count}か所は表にのみ示す。", ko: "지도 밖의 {count}곳은 표에만 있음."},
  towns_credit: {en: "Positions: municipal boundaries, MLIT National Land Numerical Information (N03), processed. Coast: Natural Earth.", ja: "位置：国土数値情報（行政区域データ）（国土交通省）を加工して作成。海岸線：Natural Earth。", ko: "위치: 일본 국토교통성 국토수치정보(N03)를 가공. 해안선: Natural Earth."},
  no_towns: {en: "The runs are not beside this folder any more, so there is no map of municipalities.", ja: "実行結果がこのフォルダの隣にないため、市区町村の地図はない。", ko: "실행 결과가 옆에 없어 기초단체 지도가 없음."},
  towns_change: {en: "Change since {first}", ja: "{first}からの増減", ko: "{first} 이후 증감"},
  share_of_base: {en: "% of the baseline", ja: "基準比％", ko: "기준 대비 %"},
  basis: {en: "What it rests on", ja: "前提・成績・再現", ko: "전제·성적·재현"},
  levers_short: {en: "What the scenarios change", ja: "シナリオの内容", ko: "시나리오의 내용"},
  levers_one: {en: "Levers of the scenario", ja: "シナリオの施策", ko: "시나리오의 정책"},
  since: {en: "Status of the law, since", ja: "制度の状況、施行時期", ko: "제도 상황, 시행 시기"},
  more_levers: {en: "{count} more stand in the full table below.", ja: "残り{count}件は下の詳細表にある。", ko: "나머지 {count}건은 아래 상세 표에 있음."},
  count_official: {en: "official values", ja: "公的資料による値", ko: "공식 값"},
  count_secondary: {en: "values from secondary sources", ja: "二次資料による値", ko: "2차 자료 값"},
  count_assumption: {en: "assumed values and responses", ja: "仮定の値・反応", ko: "가정한 값·반응"},
  fewer: {en: "fewer", ja: "減", ko: "감소"},
  more: {en: "more", ja: "増", ko: "증가"},
  place: {en: "Place", ja: "地域", ko: "지역"},
  prefecture: {en: "Prefecture", ja: "都道府県", ko: "광역"},
  group: {en: "Group", ja: "区分", ko: "구분"},
  levers: {en: "Levers in full", ja: "施策の詳細", ko: "정책 상세"},
  levers_differ: {en: "What tells the scenarios apart", ja: "シナリオ間で異なる施策", ko: "시나리오 간 다른 정책"},
  levers_shared: {en: "In force in all of them alike", ja: "すべてに共通する施策", ko: "모두 공통인 정책"},
  levers_none: {en: "No levers: the settings of the scenarios differ in other ways (see the commands).", ja: "施策はない（設定の違いはコマンドを参照）。", ko: "정책 없음(설정 차이는 명령 참조)."},
  levers_unknown: {en: "The runs of the scenarios are not beside this folder any more, so their levers are not known.", ja: "実行結果が隣にないため、施策は分からない。", ko: "실행 결과가 옆에 없어 정책을 알 수 없음."},
  lever: {en: "Lever", ja: "施策", ko: "정책"},
  law: {en: "What the law says, from when", ja: "法令の値と施行時期", ko: "법의 내용과 시행 시기"},
  response: {en: "How people are taken to respond: low · central · high", ja: "人々の反応（想定）：小・中央・大", ko: "사람들의 반응(가정): 작음·중앙·큼"},
  pulled: {en: "Pulled in", ja: "適用", ko: "적용"},
  everywhere: {en: "all", ja: "すべて", ko: "모두"},
  strength: {en: "strength {value}", ja: "強度{value}", ko: "강도 {value}"},
  responses_at: {en: "responses {level}", ja: "反応は{level}", ko: "반응 {level}"},
  level_low: {en: "low", ja: "小", ko: "작음"},
  level_central: {en: "central", ja: "中央", ko: "중앙"},
  level_high: {en: "high", ja: "大", ko: "큼"},
  official: {en: "official", ja: "公的資料", ko: "공식"},
  secondary: {en: "secondary source", ja: "二次資料", ko: "2차 자료"},
  assumption: {en: "assumed", ja: "仮定", ko: "가정"},
  studied: {en: "studied", ja: "研究あり", ko: "연구 있음"},
  evidence_read: {en: "read in the official text", ja: "公的本文で確認", ko: "공식 본문 확인"},
  evidence_cited: {en: "cited by another page", ja: "他の資料の引用", ko: "다른 자료의 인용"},
  evidence_known: {en: "known, not seen", ja: "未確認（既知）", ko: "미확인(알려짐)"},
  evidence_none: {en: "no official basis", ja: "公的根拠なし", ko: "공식 근거 없음"},
  in_force: {en: "in force", ja: "施行済み", ko: "시행"},
  scheduled: {en: "scheduled", ja: "施行予定", ko: "시행 예정"},
  announced: {en: "announced", ja: "公表（未制定）", ko: "발표(미제정)"},
  bill: {en: "bill", ja: "法案", ko: "법안"},
  under_consideration: {en: "under consideration", ja: "検討中", ko: "검토 중"},
  target: {en: "target", ja: "目標", ko: "목표"},
  hypothetical: {en: "hypothetical", ja: "仮想", ko: "가상"},
  flows: {en: "Moves between statuses", ja: "在留資格間の移動", ko: "체류자격 간 이동"},
  flows_title: {en: "Who came, changed status or left, {first} to {last}", ja: "入国・変更・出国、{first}～{last}", ko: "입국·변경·출국, {first}~{last}"},
  flows_note: {en: "Ribbons are as wide as the number of people and coloured by where they were. Changes inside a group are included. {arm}.", ja: "帯の太さは人数、色は変更前の区分。区分内の変更も含む。{arm}。", ko: "띠의 굵기는 인원, 색은 이전 구분. 구분 내 변경 포함. {arm}."},
  flows_lost: {en: "{count} ribbons thinner than a hair ({people} people) are left out of the picture.", ja: "細すぎる{count}本（{people}人）は図では省く。", ko: "너무 가는 {count}개({people}명)는 그림에서 생략."},
  period: {en: "Months", ja: "期間", ko: "기간"},
  before: {en: "before", ja: "変更前", ko: "이전"},
  after: {en: "after", ja: "変更後", ko: "이후"},
  arrived: {en: "Arrived from abroad", ja: "新規入国", ko: "신규 입국"},
  born: {en: "Born", ja: "出生", ko: "출생"},
  left: {en: "Left the country", ja: "出国", ko: "출국"},
  died: {en: "Died", ja: "死亡", ko: "사망"},
  naturalised: {en: "Became citizens", ja: "帰化", ko: "귀화"},
  firms: {en: "Firms", ja: "企業", ko: "기업"},
  firms_title: {en: "Foreign workers by sector, {first} and {last}", ja: "産業別の外国人労働者、{first}と{last}", ko: "산업별 외국인 노동자, {first}과 {last}"},
  firms_title_diff: {en: "Difference in foreign workers by sector, {last}", ja: "産業別の外国人労働者の差、{last}", ko: "산업별 외국인 노동자 차이, {last}"},
  firms_note: {en: "Hollow: {first}. Filled: {last}. {arm}.", ja: "白抜きは{first}、塗りは{last}。{arm}。", ko: "빈 점 {first}, 찬 점 {last}. {arm}."},
  sector: {en: "Sector", ja: "産業", ko: "산업"},
  workers: {en: "workers", ja: "労働者", ko: "노동자"},
  establishments: {en: "establishments", ja: "事業所", ko: "사업체"},
  open_jobs: {en: "open jobs", ja: "未充足求人", ko: "빈 일자리"},
  queues: {en: "Queues", ja: "審査の滞留", ko: "심사 대기"},
  queue: {en: "Queue", ja: "窓口", ko: "창구"},
  queue_title: {en: "{queue}: cases a month, and cases waiting", ja: "{queue}：月間件数と滞留", ko: "{queue}: 월간 건수와 대기"},
  queue_left: {en: "cases a month, {arm}", ja: "月間件数、{arm}", ko: "월간 건수, {arm}"},
  queue_right: {en: "cases waiting", ja: "滞留件数", ko: "대기 건수"},
  received: {en: "received", ja: "受理", ko: "접수"},
  decided: {en: "decided", ja: "処理", ko: "처리"},
  capacity: {en: "capacity", ja: "処理能力", ko: "처리 능력"},
  indicators: {en: "Every indicator", ja: "すべての指標", ko: "모든 지표"},
  indicator: {en: "Indicator", ja: "指標", ko: "지표"},
  indicators_title: {en: "All indicators, {month}", ja: "全指標、{month}", ko: "전체 지표, {month}"},
  unit: {en: "Unit", ja: "単位", ko: "단위"},
  assumed: {en: "What is assumed, and what the ranges leave out", ja: "仮定と、範囲に含まれない不確かさ", ko: "가정과 범위에 포함되지 않는 불확실성"},
  assumed_1: {en: "The ranges are {confidence} simulation intervals: they say how far the mean of {runs} runs may be off because the people are simulated with random draws and sampled. Nothing else is in them.", ja: "範囲は{confidence}のシミュレーション区間で、乱数と標本抽出のために{runs}回の実行の平均がどれだけずれうるかだけを示す。", ko: "범위는 {confidence} 시뮬레이션 구간으로, 난수와 표본 때문에 {runs}회 실행 평균이 얼마나 어긋날 수 있는지만 나타냄."},
  assumed_1_run: {en: "This is one run with one random seed: it has no range at all.", ja: "乱数1通りの1回の実行であり、範囲はない。", ko: "난수 하나의 실행 한 번이므로 범위가 없음."},
  assumed_2: {en: "Held fixed: how people respond to a lever (low, central or high, as the table of levers says), the fitted rates, arrivals as configured, and the model itself.", ja: "固定しているもの：施策への反応（施策の表の小・中央・大）、推定した率、設定した入国、モデルそのもの。", ko: "고정한 것: 정책에 대한 반응(작음·중앙·큼), 추정된 율, 설정된 입국, 모형 자체."},
  assumed_3: {en: "{count} numbers of the configuration are assumptions that no source gives:", ja: "設定のうち{count}個は出典のない仮定である。", ko: "설정 중 {count}개는 출처 없는 가정:"},
  assumed_4: {en: "An effect counts as distinguishable from zero if its interval does not hold zero and there are at least three paired runs. Of many such looks, one in twenty does so by chance.", ja: "区間がゼロを含まず、対の実行が3組以上あるとき、ゼロと区別できるとする。多く見れば20に1つは偶然そうなる。", ko: "구간이 0을 포함하지 않고 짝 실행이 3개 이상이면 0과 구별된다고 봄. 스무 번 중 한 번은 우연임."},
  assumed_paths: {en: "Their names in the configuration", ja: "設定での名前", ko: "설정에서의 이름"},
  section: {en: "Part of the model", ja: "モデルの部分", ko: "모형의 부분"},
  count: {en: "Count", ja: "個数", ko: "개수"},
  scores: {en: "How the model did in the past", ja: "過去の予測の成績", ko: "과거 예측 성적"},
  scores_text: {en: "Projected from {origin} with what was known then, the model missed the published numbers of {horizon} by {error}% of all residents, summed over statuses ({trend}% for a linear trend); its 80% intervals held {in_80}% of the cells. That horizon is {months}; this page looks {span} ahead.", ja: "{origin}に分かっていた情報だけで{horizon}を予測した誤差は、在留資格別の合計で全体の{error}％（線形の趨勢では{trend}％）。80％区間は{in_80}％を含んだ。この予測期間は{months}で、本ページは{span}先までを見る。", ko: "{origin}에 알려진 정보로 {horizon}을 예측한 오차는 자격별 합계로 전체의 {error}%(선형 추세 {trend}%). 80% 구간은 {in_80}%를 포함. 그 기간은 {months}, 이 페이지는 {span} 앞까지."},
  scores_beyond: {en: "So far ahead the model has not been scored.", ja: "それほど先の予測の成績はまだない。", ko: "그만큼 먼 예측의 성적은 아직 없음."},
  scores_published: {en: "Scores as published with this version; name the folder of a hindcast to show its own.", ja: "この版とともに公表した成績。ハインドキャストのフォルダを加えるとその成績を示す。", ko: "이 판과 함께 공표된 성적. 하인드캐스트 폴더를 지정하면 그 성적을 보임."},
  scores_none: {en: "No scores are known for this country.", ja: "この国の成績はない。", ko: "이 나라의 성적 없음."},
  origin_horizon: {en: "From, to", ja: "起点、予測時点", ko: "기점, 예측 시점"},
  error_of: {en: "Error of Kyosei, %", ja: "誤差（Kyosei）％", ko: "오차(Kyosei) %"},
  linear_trend: {en: "linear trend, %", ja: "線形の趨勢％", ko: "선형 추세 %"},
  constant_rates: {en: "constant rates, %", ja: "率一定％", ko: "고정 율 %"},
  held: {en: "held by 50, 80, 95% intervals, %", ja: "50・80・95％区間が含む割合％", ko: "50·80·95% 구간 포함 %"},
  years: {en: "{count} years", ja: "{count}年", ko: "{count}년"},
  reproduce: {en: "Make it again", ja: "再現", ko: "재현"},
  reproduce_text: {en: "These commands make the same numbers with the same version (code {code}, data {data}):", ja: "同じ版（コード{code}、データ{data}）なら、次のコマンドで同じ数値になる。", ko: "같은 판(코드 {code}, 데이터 {data})이면 다음 명령으로 같은 수치가 나옴."},
  reproduce_more: {en: "Some settings were given in other ways: the config.yaml of each run holds all of them.", ja: "一部の設定は別の方法で与えられた。各実行のconfig.yamlにすべてある。", ko: "일부 설정은 다른 방법으로 주어짐. 각 실행의 config.yaml에 모두 있음."},
  runs: {en: "Runs", ja: "実行", ko: "실행"},
  footer: {en: "Kyosei {version} · {kind} {number} · {start} to {end} · scale {scale} · seed {seed}", ja: "Kyosei {version} · {kind} {number} · {start}～{end} · 縮尺 {scale} · 乱数 {seed}", ko: "Kyosei {version} · {kind} {number} · {start}~{end} · 축척 {scale} · 난수 {seed}"},
  kind_run: {en: "run", ja: "実行", ko: "실행"},
  kind_comparison: {en: "comparison", ja: "比較", ko: "비교"},
  summary: {en: "Summary", ja: "要約", ko: "요약"},
  warnings: {en: "Warnings of the run", ja: "実行時の注意", ko: "실행 경고"},
  pale_line: {en: "pale: not distinguishable from zero", ja: "淡色：ゼロと区別できない", ko: "옅은 색: 0과 구별되지 않음"},
  band: {en: "band: {confidence} simulation interval; responses and fitted rates held fixed", ja: "帯：{confidence}のシミュレーション区間（反応・推定率は固定）", ko: "띠: {confidence} 시뮬레이션 구간(반응·추정 율 고정)"},
  nothing: {en: "No difference in any month.", ja: "どの月にも差はない。", ko: "어느 달에도 차이 없음."}
};
