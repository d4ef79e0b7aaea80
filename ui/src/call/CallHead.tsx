import { Button, Group, Menu, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { memo, useDeferredValue, useState } from "react";
import { Link, useLocation } from "wouter";
import { dealAddress } from "@/across/deals";
import { request, withQuery } from "@/api/client";
import { atLeast, useSession } from "@/app/session";
import { Confirm } from "@/parts/Confirm";
import { clock, dateTime } from "@/parts/format";
import { Icon } from "@/parts/Icon";
import classes from "./CallPage.module.css";
import { ContextDialog } from "./ContextDialog";
import { useCallView } from "./context";
import { KeyboardHelp } from "./KeyboardHelp";
import { useReportTemplates } from "./reading";
import { ShareDialog } from "./ShareDialog";

/** What call this is, and what can be done with it. */
export const CallHead = memo(function CallHead() {
  const { call, may, player } = useCallView();
  const { member } = useSession();
  const [sharing, share] = useDisclosure(false);
  const [erasing, erase] = useDisclosure(false);
  const [keys, help] = useDisclosure(false);
  const [stating, state] = useDisclosure(false);
  const [, navigate] = useLocation();
  const client = useQueryClient();
  // Nobody opens one of them before the page stands.
  const dialogs = useDeferredValue(true, false);
  const copyPlace = async () => {
    const at = Math.floor(player.now / 1000) * 1000;
    const address = `${window.location.origin}/calls/${call.call_id}?t=${at}`;
    try {
      await navigator.clipboard.writeText(address);
      notifications.show({ message: `Copied. It opens the call at ${clock(at)}, for whoever may see it.` });
    } catch {
      // Without https a browser lets no page write there.
      notifications.show({ message: address, autoClose: false });
    }
  };
  const [asked, setAsked] = useState(false);
  const templates = useReportTemplates(asked);
  // As a page of its own, in which each claim plays as well: what a template prints never stands in ours.
  const report = (template?: string) => withQuery(`/v1/calls/${call.call_id}/report`, { template });
  const exported = (format: string) => `/v1/calls/${call.call_id}/export?format=${format}`;
  return (
    <header className={classes.head}>
      <div className={classes.titles}>
        <Link href="/calls" className={classes.back}>
          <Icon name="back" size={16} /> Calls
        </Link>
        <Title order={1} size="h3" className={classes.title}>
          {call.title.trim() || "Call without a title"}
        </Title>
        <Text size="sm" c="dimmed">
          {call.rep_name} · {dateTime(call.started_at)} · {clock(call.audio_ms)}
          {may.talk && call.context.customer && (
            <>
              {" · "}
              <Link href={dealAddress(call.context.customer, call.context.deal)}>{call.context.customer}</Link>
            </>
          )}
        </Text>
      </div>
      <Group gap="xs" className={classes.actions}>
        {may.share && (
          <Button variant="default" size="xs" leftSection={<Icon name="share" size={14} />} onClick={share.open}>
            Share
          </Button>
        )}
        <Menu position="bottom-end" withinPortal onOpen={() => setAsked(true)}>
          <Menu.Target>
            <Button variant="default" size="xs">
              More
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {call.review?.status === "finished" && (
              <>
                <Menu.Label>Report</Menu.Label>
                <Menu.Item component="a" href={report()} target="_blank">
                  In the chosen template
                </Menu.Item>
                {templates.data?.map((name) => (
                  <Menu.Item key={name} component="a" href={report(name)} target="_blank" className={classes.template}>
                    As “{name}”
                  </Menu.Item>
                ))}
              </>
            )}
            <Menu.Label>Export</Menu.Label>
            <Menu.Item component="a" href={exported("md")} download>
              Markdown
            </Menu.Item>
            <Menu.Item component="a" href={exported("html")} download>
              HTML
            </Menu.Item>
            <Menu.Item component="a" href={exported("json")} download>
              JSON
            </Menu.Item>
            <Menu.Item onClick={() => window.print()}>Print, or save as PDF</Menu.Item>
            <Menu.Divider />
            {may.talk && <Menu.Item onClick={state.open}>Customer and deal</Menu.Item>}
            {may.listen && <Menu.Item onClick={() => void copyPlace()}>Copy a link to this second</Menu.Item>}
            <Menu.Item onClick={help.open}>Keyboard shortcuts</Menu.Item>
            {atLeast(member, "admin") && call.status === "ended" && (
              <Menu.Item color="red" onClick={erase.open}>
                Erase this call
              </Menu.Item>
            )}
          </Menu.Dropdown>
        </Menu>
      </Group>
      {dialogs && (
        <>
          <ShareDialog callId={call.call_id} opened={sharing} close={share.close} />
          <KeyboardHelp opened={keys} close={help.close} />
          <ContextDialog opened={stating} close={state.close} />
          <Confirm
            opened={erasing}
            close={erase.close}
            title="Erase this call?"
            action="Erase it"
            run={async () => {
              await request<void>("DELETE", `/v1/calls/${call.call_id}`);
              notifications.show({ message: "The call was erased." });
              navigate("/calls");
              client.removeQueries({ queryKey: ["call", call.call_id] });
              await client.invalidateQueries({ queryKey: ["calls"] });
            }}
          >
            Audio, transcript, review, comments and everything that cites it go, for everybody. It cannot be undone.
          </Confirm>
        </>
      )}
    </header>
  );
});
