// Colours, sizes and names that charts and the style sheet share.

export const CHART_CLASS = "chart";
export const INK = "#1f2933";
export const GREY = "#5b6573";
export const PALE = "#c3cad3";
export const RULE = "#e3e7ec";
export const FONT =
  '"Helvetica Neue", Arial, "Hiragino Sans", "Noto Sans JP", "Noto Sans CJK JP", "Yu Gothic", Meiryo, "Noto Sans KR", "Noto Sans CJK KR", "Malgun Gothic", sans-serif';

// Of scenarios, the baseline first: Okabe and Ito (2008), and dashes for readers without colours.
export const ARM_COLOURS = ["#5b6573", "#0072B2", "#D55E00", "#007a5a", "#b0568f", "#8a6d00", "#3f3f9f"];
export const ARM_DASHES = ["", "", "7 3", "2 2.5", "9 3 2 3", "5 2", "1 3"];

// From orange (fewer) through white to purple (more): neither is the colour of good or bad.
export const FEWER = "#b35806";
export const MORE = "#542788";
export const QUIET = "#a9b2be";
