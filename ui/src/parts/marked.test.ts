import { expect, test } from "vitest";
import { markedPieces } from "./marked";

const marks = (text: string, sought: string) =>
  markedPieces(text, sought)
    .filter((piece) => piece.marked)
    .map((piece) => piece.text);

test("words are marked whatever their case, with the endings that words have", () => {
  expect(marks("Your Prices are high, priced for others.", "price")).toEqual(["Prices", "priced"]);
  expect(marks("Größe zählt", "GRÖSSE größe")).toEqual(["Größe"]);
});

test("what is merely alike, or too short to mean something, is not marked", () => {
  expect(marks("a pricelist is in it", "price in")).toEqual([]);
  expect(marks("nothing of the sort", "")).toEqual([]);
});

test("the pieces are the text, whatever stands in it", () => {
  const text = "<img src=x onerror=alert(1)> {{ 7 }} price $& \\1";
  expect(
    markedPieces(text, "price (.*) [")
      .map((piece) => piece.text)
      .join(""),
  ).toBe(text);
  expect(marks(text, "price (.*) [")).toEqual(["price"]);
});
