import { Anchor, Card, Table, Text, Title } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { useId } from "react";
import { Link } from "wouter";
import { nice, segments } from "./scale";
import classes from "./team.module.css";

export interface Point {
  /** What the point stands for, for example `16 Nov`. */
  label: string;
  value: number | null;
  /** How many calls the value is made of. */
  n: number;
  href: string;
}

interface Props {
  title: string;
  /** One sentence that says what the number is. */
  about: string;
  points: readonly Point[];
  show: (value: number) => string;
  /** The least that the upper end of the scale may be. */
  atLeast: number;
}

const HEIGHT = 150;
const EDGE = { left: 48, right: 28, top: 12, bottom: 24 };

/** A line over weeks. Each point leads to its calls, and the same numbers stand in a table behind it. */
export function TrendChart({ title, about, points, show, atLeast }: Props) {
  const { ref, width } = useElementSize();
  const heading = useId();
  const known = points.flatMap((point) => (point.value === null ? [] : [point.value]));
  const top = nice(Math.max(atLeast, ...known));
  const inner = Math.max(width - EDGE.left - EDGE.right, 1);
  const x = (index: number) => EDGE.left + (points.length < 2 ? inner / 2 : (index / (points.length - 1)) * inner);
  const y = (value: number) => EDGE.top + (1 - value / top) * (HEIGHT - EDGE.top - EDGE.bottom);
  // As many labels as fit beside each other.
  const every = Math.max(1, Math.ceil(points.length / Math.max(1, Math.floor(inner / 56))));

  return (
    <Card withBorder component="section" aria-labelledby={heading}>
      <Title order={3} size="h5" id={heading}>
        {title}
      </Title>
      <Text size="sm" c="dimmed">
        {about}
      </Text>
      <div ref={ref} className={classes.chart}>
        {known.length === 0 ? (
          <Text c="dimmed" className={classes.nothing}>
            No calls with this number in these weeks.
          </Text>
        ) : (
          // biome-ignore lint/a11y/useSemanticElements: a fieldset cannot stand in a drawing
          <svg width={width} height={HEIGHT} role="group" aria-label={`${title}, by week`}>
            {[0, top / 2, top].map((value) => (
              // biome-ignore lint/a11y/noAriaHiddenOnFocusable: a group of a drawing cannot hold the focus
              <g key={value} aria-hidden="true">
                <line className={classes.grid} x1={EDGE.left} x2={width - EDGE.right} y1={y(value)} y2={y(value)} />
                <text className={classes.tick} x={EDGE.left - 6} y={y(value)} textAnchor="end" dy="0.32em">
                  {show(value)}
                </text>
              </g>
            ))}
            {points.map(
              (point, index) =>
                index % every === 0 && (
                  // biome-ignore lint/a11y/noAriaHiddenOnFocusable: a word in a drawing cannot hold the focus
                  <text
                    key={point.label}
                    className={classes.tick}
                    x={x(index)}
                    y={HEIGHT - 6}
                    textAnchor="middle"
                    aria-hidden="true"
                  >
                    {point.label}
                  </text>
                ),
            )}
            {segments(points.map((point) => point.value)).map((segment) => (
              <polyline
                key={segment[0]?.index}
                className={classes.line}
                points={segment.map((part) => `${x(part.index)},${y(part.value)}`).join(" ")}
              />
            ))}
            {points.map(
              (point, index) =>
                point.value !== null && (
                  <Link
                    key={point.label}
                    href={point.href}
                    className={classes.point}
                    aria-label={`${point.label}: ${show(point.value)}, ${callCount(point.n)}`}
                  >
                    <title>{`${point.label}: ${show(point.value)} (${callCount(point.n)})`}</title>
                    <circle className={classes.target} cx={x(index)} cy={y(point.value)} r={12} />
                    <circle className={classes.dot} cx={x(index)} cy={y(point.value)} r={4} />
                  </Link>
                ),
            )}
          </svg>
        )}
      </div>
      <details>
        <summary>As a table</summary>
        <Table aria-labelledby={heading}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">Week from</Table.Th>
              <Table.Th scope="col">{title}</Table.Th>
              <Table.Th scope="col">Calls</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {points.map((point) => (
              <Table.Tr key={point.label}>
                <Table.Th scope="row">{point.label}</Table.Th>
                <Table.Td>{point.value === null ? "–" : show(point.value)}</Table.Td>
                <Table.Td>
                  {point.n === 0 ? (
                    "0"
                  ) : (
                    <Anchor component={Link} href={point.href}>
                      {point.n}
                    </Anchor>
                  )}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </details>
    </Card>
  );
}

function callCount(n: number): string {
  return n === 1 ? "1 call" : `${n} calls`;
}
