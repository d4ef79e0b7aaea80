import { Anchor, Stack, Text, Title } from "@mantine/core";
import { Link } from "wouter";
import { CalendarsCard } from "./CalendarsCard";
import { CrmCard } from "./CrmCard";
import { MailCard } from "./MailCard";

/** What the tenant is connected with: where reviews are written, what says whose call it was, how mail goes out. */
export default function ConnectionsPage() {
  return (
    <Stack>
      <Title order={2}>CRM, calendars and mail</Title>
      <Text c="dimmed">
        Reviews are written to the deal, with links that play what proves them. CRM and calendars say who the customer
        is and how far the deal is, so that a rubric can depend on it. To whom reports are mailed stands under{" "}
        <Anchor component={Link} underline="always" href="/settings/webhooks">
          Delivery
        </Anchor>
        .
      </Text>
      <CrmCard />
      <CalendarsCard />
      <MailCard />
    </Stack>
  );
}
