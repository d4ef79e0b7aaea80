import { createTheme, type MantineColorsTuple } from "@mantine/core";

// Each filled shade holds white text at 4.5:1 or better (WCAG 2.2, 1.4.3).
const sea: MantineColorsTuple = [
  "#e6f7f9",
  "#cdebef",
  "#9bd8e0",
  "#66c4d0",
  "#3db1c1",
  "#1f9bad",
  "#0b7f91",
  "#0b7285",
  "#075d6d",
  "#034653",
];

export const theme = createTheme({
  primaryColor: "sea",
  primaryShade: { light: 7, dark: 7 },
  colors: { sea },
  defaultRadius: "md",
  fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', Menlo, Consolas, monospace",
  respectReducedMotion: true,
  cursorType: "pointer",
});
