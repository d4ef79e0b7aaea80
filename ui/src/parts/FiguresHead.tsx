import { Table } from "@mantine/core";

interface FiguresHeadProps {
  /** What a row is. */
  row: string;
  figures: readonly string[];
  /** A column of words behind the figures. */
  last?: string;
}

/** The head of a table whose rows are named and whose other columns are figures. */
export function FiguresHead({ row, figures, last }: FiguresHeadProps) {
  return (
    <Table.Thead>
      <Table.Tr>
        <Table.Th scope="col">{row}</Table.Th>
        {figures.map((name) => (
          <Table.Th scope="col" key={name} ta="end">
            {name}
          </Table.Th>
        ))}
        {last && <Table.Th scope="col">{last}</Table.Th>}
      </Table.Tr>
    </Table.Thead>
  );
}
