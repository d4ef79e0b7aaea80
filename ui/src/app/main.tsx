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
import { opened } from "./opening";
import { makeQueryClient } from "./queries";
import { theme } from "./theme";

const client = makeQueryClient();

function render(): void {
  const root = document.getElementById("root");
  if (!root) return;
  createRoot(root).render(
    <StrictMode>
      <MantineProvider theme={theme} defaultColorScheme="auto" colorSchemeManager={makeColorSchemeManager()}>
        <QueryClientProvider client={client}>
          <Notifications position="bottom-right" autoClose={6000} />
          <App />
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  );
}

// Not awaited: the page's own file imports this one, and would wait for it to be over.
void opened(client, location.pathname).then(render);
