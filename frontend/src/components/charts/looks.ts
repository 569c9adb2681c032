/** Told apart by lightness and by dash, not by hue alone: they hold in greyscale and for colour-blind readers. */
export const SERIES_LOOKS = [
  { stroke: "#0b5f57", fill: "#0b5f57", fillOpacity: 0.75, dash: undefined },
  { stroke: "#56657d", fill: "#c9d4e3", fillOpacity: 0.55, dash: undefined },
  { stroke: "#b35c00", fill: "#b35c00", fillOpacity: 0, dash: "6 3" },
  { stroke: "#5b3e96", fill: "#5b3e96", fillOpacity: 0, dash: "2 3" },
  { stroke: "#1a1a1a", fill: "#1a1a1a", fillOpacity: 0, dash: "8 3 2 3" },
] as const;
