import {
  ActionIcon,
  AppShell,
  Avatar,
  Burger,
  Group,
  Menu,
  Text,
  UnstyledButton,
  useComputedColorScheme,
  useMantineColorScheme,
  VisuallyHidden,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { type ReactNode, useEffect } from "react";
import { Link, useLocation } from "wouter";
import { Icon } from "@/parts/Icon";
import { SearchBox } from "@/parts/SearchBox";
import { Offline } from "./Offline";
import { navigation } from "./routes";
import classes from "./Shell.module.css";
import { atLeast, useLeave, useSession } from "./session";

/** The frame around every signed-in page: where to go, search, and who one is. */
export function Shell({ children }: { children: ReactNode }) {
  const [opened, { toggle, close }] = useDisclosure(false);
  const [location, navigate] = useLocation();
  const { member, tenant } = useSession();
  const leave = useLeave();
  // biome-ignore lint/correctness/useExhaustiveDependencies: going somewhere closes the menu
  useEffect(close, [location]);
  const links = navigation
    .filter((entry) => atLeast(member, entry.from))
    .map((entry) => (
      <Link
        key={entry.to}
        href={entry.to}
        className={classes.link}
        aria-current={location === entry.to || location.startsWith(`${entry.to}/`) ? "page" : undefined}
      >
        {entry.label}
      </Link>
    ));
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 240, breakpoint: "md", collapsed: { desktop: true, mobile: !opened } }}
      padding={0}
    >
      <a href="#main" className={classes.skip}>
        Skip to the page
      </a>
      <AppShell.Header className={classes.header}>
        <Group h="100%" px="md" gap="md" wrap="nowrap">
          <Burger
            opened={opened}
            onClick={toggle}
            hiddenFrom="md"
            size="sm"
            aria-label={opened ? "Close the menu" : "Open the menu"}
          />
          <Link href="/calls" className={classes.brand} aria-label="Ridealong, to the calls">
            <img src="/icon.svg" alt="" width={26} height={26} />
            <Text component="span" fw={700} visibleFrom="xs">
              Ridealong
            </Text>
          </Link>
          <Group component="nav" aria-label="Pages" gap={4} visibleFrom="md" wrap="nowrap">
            {links}
          </Group>
          <SearchBox />
          <ThemeButton />
          <Menu position="bottom-end" width={240}>
            <Menu.Target>
              <UnstyledButton className={classes.account}>
                <VisuallyHidden>Your account: {member.name}</VisuallyHidden>
                <span aria-hidden="true">
                  <Avatar size={32} radius="xl" color="sea" name={member.name} alt="" />
                </span>
              </UnstyledButton>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Label>
                <Text size="sm" c="var(--mantine-color-text)" fw={600} truncate>
                  {member.name}
                </Text>
                <Text size="xs" truncate>
                  {member.email}
                </Text>
                <Text size="xs" truncate>
                  {tenant.name} · {member.role}
                </Text>
              </Menu.Label>
              <Menu.Divider />
              <Menu.Item component="a" href="/rep">
                Record a call
              </Menu.Item>
              <Menu.Item onClick={() => navigate("/settings")}>Settings</Menu.Item>
              <Menu.Item onClick={() => void leave()}>Sign out</Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="md" hiddenFrom="md" aria-label="Pages">
        {opened ? links : null}
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1} className={classes.main}>
        <Offline />
        {children}
      </AppShell.Main>
    </AppShell>
  );
}

export function ThemeButton() {
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme("light") === "dark";
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      size="lg"
      onClick={() => setColorScheme(dark ? "light" : "dark")}
      aria-label={dark ? "Use the light theme" : "Use the dark theme"}
    >
      <Icon name={dark ? "sun" : "moon"} />
    </ActionIcon>
  );
}
