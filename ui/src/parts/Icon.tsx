/** A few drawn signs. They say nothing to a screen reader: the button around them has the name. */

const PATHS = {
  play: "M7 4.5v15l12-7.5z",
  pause: "M7 5h4v14H7zM13 5h4v14h-4z",
  sun: "M12 7a5 5 0 1 0 0 10 5 5 0 0 0 0-10zM11 1h2v4h-2zM11 19h2v4h-2zM1 11h4v2H1zM19 11h4v2h-4zM4.2 5.6l1.4-1.4 2.8 2.8L7 8.4zM15.6 17l1.4-1.4 2.8 2.8-1.4 1.4zM15.6 7l2.8-2.8 1.4 1.4L17 8.4zM4.2 18.4 7 15.6 8.4 17l-2.8 2.8z",
  moon: "M20.7 14.6A8.6 8.6 0 0 1 9.4 3.3a.6.6 0 0 0-.8-.7A9.6 9.6 0 1 0 21.4 15.4a.6.6 0 0 0-.7-.8z",
  search:
    "M10.5 3a7.5 7.5 0 1 0 4.7 13.3l4.8 4.7 1.4-1.4-4.8-4.7A7.5 7.5 0 0 0 10.5 3zm0 2a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11z",
  up: "M9 21H5a1 1 0 0 1-1-1v-9a1 1 0 0 1 1-1h4zm2 0V10l3.5-7.2A1 1 0 0 1 15.4 2c1.4 0 2.3 1.3 1.9 2.6L16 9h4a2 2 0 0 1 2 2.4l-1.5 8A2 2 0 0 1 18.500 21z",
  down: "M9 3H5a1 1 0 0 0-1 1v9a1 1 0 0 0 1 1h4zm2 0v11l3.500 7.200a1 1 0 0 0 .9.8c1.400 0 2.300-1.300 1.900-2.600L16 15h4a2 2 0 0 0 2-2.400l-1.500-8A2 2 0 0 0 18.500 3z",
  close: "M6.4 5 5 6.4 10.6 12 5 17.6 6.4 19l5.600-5.600L17.600 19 19 17.600 13.400 12 19 6.400 17.600 5 12 10.600z",
  back: "M11 5 4 12l7 7 1.400-1.400L7.800 13H20v-2H7.800l4.600-4.600z",
  share:
    "M18 2a4 4 0 0 0-3.900 4.900L8.700 10a4 4 0 1 0 0 4l5.400 3.100A4 4 0 1 0 15 15.400l-5.300-3a4 4 0 0 0 0-.8l5.300-3A4 4 0 1 0 18 2z",
  more: "M5 10a2 2 0 1 0 0 4 2 2 0 0 0 0-4zm7 0a2 2 0 1 0 0 4 2 2 0 0 0 0-4zm7 0a2 2 0 1 0 0 4 2 2 0 0 0 0-4z",
  list: "M4 5h16v2H4zM4 11h10v2H4zM4 17h10v2H4zM19 11v3h3v2h-3v3h-2v-3h-3v-2h3v-3z",
  pen: "M16.500 3 21 7.500 8 20.500 3 21l.5-5z",
  plus: "M11 4h2v7h7v2h-7v7h-2v-7H4v-2h7z",
  trash: "M9 3h6l1 2h4v2H4V5h4zM6 9h12l-1 12H7z",
  check: "M9.500 18.500 3.500 12.500 5 11l4.500 4.500L19 6l1.500 1.500z",
  on: "M5 4.500v15l9-7.500zM15 5h3v14h-3z",
  alert: "M12 2 1 21h22zm-1 7h2v6h-2zm0 7.500h2v2h-2z",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg viewBox="0 0 24 24" width={size} height={size} fill="currentColor" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
