import { Modal, Stack, Text, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { Form, field } from "@/parts/Form";
import { useCallView } from "./context";
import { useStateContext } from "./reading";

const PARTS = ["customer", "deal", "call_type", "stage"] as const;

/** Whose deal the call is and what kind of call: what deals are made of, and what a rubric can depend on. */
export function ContextDialog({ opened, close }: { opened: boolean; close: () => void }) {
  const { source, call } = useCallView();
  const stating = useStateContext(source);
  const { customer, deal, call_type, stage } = call.context;
  return (
    <Modal opened={opened} onClose={close} title="Customer and deal" closeButtonProps={{ "aria-label": "Close" }}>
      <Form
        submit="Save"
        send={async (fields) => {
          // What was not touched is not said by anybody: CRM and calendars may still fill it in.
          const changes = PARTS.flatMap((part) => {
            const said = field(fields, part).trim();
            return said === call.context[part] ? [] : [[part, said] as const];
          });
          if (changes.length === 0) {
            close();
            return;
          }
          const changed = await stating.mutateAsync(Object.fromEntries(changes));
          close();
          notifications.show({
            message: changed.review_outdated
              ? "Saved. The review was made without knowing this: ask for it again above."
              : "Saved.",
          });
        }}
      >
        <Stack gap="xs">
          <TextInput name="customer" label="Customer" defaultValue={customer} maxLength={300} data-autofocus />
          <TextInput name="deal" label="Deal" defaultValue={deal} maxLength={300} />
          <TextInput
            name="call_type"
            label="Type of call"
            placeholder="demo"
            defaultValue={call_type}
            maxLength={64}
            autoCapitalize="none"
          />
          <TextInput
            name="stage"
            label="Stage of the deal"
            placeholder="negotiation"
            defaultValue={stage}
            maxLength={64}
            autoCapitalize="none"
          />
          <Text size="xs" c="dimmed">
            Customer and deal bring calls together under Deals. A rubric can depend on type and stage, in your own
            words. What you say here holds against what CRM and calendars say; a field that you empty says that there is
            none.
          </Text>
        </Stack>
      </Form>
    </Modal>
  );
}
