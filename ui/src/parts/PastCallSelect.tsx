import { Select } from "@mantine/core";
import { date } from "./format";

interface PastCall {
  call_id: string;
  title: string;
  started_at: string;
}

/** Past calls as the entries of a list to choose from. */
export const pastCallOptions = (calls: readonly PastCall[]) =>
  calls.map((call) => ({
    value: call.call_id,
    label: `${call.title || "Call without a title"}, ${date(call.started_at)}`,
  }));

interface PastCallSelectProps {
  calls: readonly PastCall[];
  value: string | null;
  onChange: (callId: string | null) => void;
}

/** The past call that something is tried on. */
export function PastCallSelect({ calls, value, onChange }: PastCallSelectProps) {
  return (
    <Select
      label="Call"
      data={pastCallOptions(calls)}
      value={value}
      allowDeselect={false}
      searchable
      onChange={onChange}
      style={{ flex: "2 1 16rem" }}
    />
  );
}
