import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "./app.css";
import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { makeColorSchemeManager } from "./colorScheme";
import { makeQueryClient } from "./queries";
import { theme } from "./theme";

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <MantineProvider theme={theme} defaultColorScheme="auto" colorSchemeManager={makeColorSchemeManager()}>
        <QueryClientProvider client={makeQueryClient()}>
          <Notifications position="bottom-right" autoClose={6000} />
          <App />
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  );
}
