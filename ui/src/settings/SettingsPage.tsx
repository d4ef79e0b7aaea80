import { Container, Group, NavLink, Stack, Text, Title } from "@mantine/core";
import { type ComponentType, lazy, Suspense } from "react";
import { Link, Redirect, Route, Switch, useLocation } from "wouter";
import type { Role } from "@/api/types";
import { atLeast, useSession } from "@/app/session";
import { EmptyState, Loading } from "@/parts/states";
import { useAdmins } from "./queries";
import classes from "./settings.module.css";

interface Section {
  path: string;
  label: string;
  /** Whose roles may open it. */
  from: Role;
  Page: ComponentType;
}

const SECTIONS: readonly Section[] = [
  { path: "documents", label: "Documents", from: "manager", Page: lazy(() => import("./documents/DocumentsPage")) },
  { path: "taxonomy", label: "Taxonomy", from: "manager", Page: lazy(() => import("@/coach/TaxonomyPage")) },
  { path: "queue", label: "Review queue", from: "manager", Page: lazy(() => import("@/coach/QueuePage")) },
  { path: "policy", label: "Nudge policy", from: "manager", Page: lazy(() => import("@/coach/PolicyPage")) },
  { path: "confidence", label: "Confidence", from: "manager", Page: lazy(() => import("./ConfidencePage")) },
  { path: "models", label: "Models and keys", from: "admin", Page: lazy(() => import("./ModelsPage")) },
  { path: "members", label: "Members", from: "manager", Page: lazy(() => import("./MembersPage")) },
  { path: "recording", label: "Consent and retention", from: "admin", Page: lazy(() => import("./RecordingPage")) },
  { path: "api-keys", label: "API keys", from: "admin", Page: lazy(() => import("./ApiKeysPage")) },
  { path: "webhooks", label: "Delivery", from: "admin", Page: lazy(() => import("./WebhooksPage")) },
  { path: "audiences", label: "Audiences", from: "manager", Page: lazy(() => import("./delivery/AudiencesPage")) },
  { path: "connections", label: "CRM, calendars, mail", from: "admin", Page: lazy(() => import("./ConnectionsPage")) },
];

const EditorPage = lazy(() => import("./documents/EditorPage"));

/** What a tenant decides for itself. Each section says whose it is; the server decides the same again. */
export default function SettingsPage() {
  const { member, tenant } = useSession();
  const [location] = useLocation();
  const open = SECTIONS.filter((section) => atLeast(member, section.from));
  const first = open[0];
  if (first === undefined) return <NotYours />;
  return (
    <Container size="xl" py="md">
      <Stack>
        <Title order={1} size="h2">
          Settings
        </Title>
        <Text c="dimmed" style={{ overflowWrap: "anywhere" }}>
          For everybody at {tenant.name}.
          {!atLeast(member, "admin") && " As a manager you can read what is here; an admin changes it."}
        </Text>
        <div className={classes.settings}>
          <nav aria-label="Settings" className={classes.sections}>
            {open.map((section) => {
              const to = `/settings/${section.path}`;
              const here = location === to || location.startsWith(`${to}/`);
              return (
                <NavLink
                  key={to}
                  component={Link}
                  href={to}
                  label={section.label}
                  active={here}
                  aria-current={here ? "page" : undefined}
                  className={classes.section ?? ""}
                />
              );
            })}
          </nav>
          <div className={classes.page}>
            <Suspense fallback={<Loading />}>
              <Switch>
                <Route path="/settings/documents/edit">
                  <EditorPage />
                </Route>
                {SECTIONS.map((section) => (
                  <Route key={section.path} path={`/settings/${section.path}`}>
                    {open.includes(section) ? <section.Page /> : <NotYours />}
                  </Route>
                ))}
                <Route>
                  <Redirect to={`/settings/${first.path}`} replace />
                </Route>
              </Switch>
            </Suspense>
          </div>
        </div>
      </Stack>
    </Container>
  );
}

function NotYours() {
  const { member } = useSession();
  const admins = useAdmins(atLeast(member, "manager"));
  const names = (admins.data ?? []).map((admin) => admin.name || admin.email);
  return (
    <EmptyState title="These settings are for admins">
      <Group justify="center">
        <Text>
          You are signed in as a {member.role}. What is set here holds for your whole organisation, so only an admin can
          see and change it.
        </Text>
        <Text>{names.length > 0 ? `Ask ${names.join(" or ")}.` : "Ask whoever invited you."}</Text>
      </Group>
    </EmptyState>
  );
}
