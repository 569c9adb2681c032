import { expect, test } from "vitest";
import { toCsv } from "./download";

test("quotes what needs it and disarms formulas, but leaves numbers alone", () => {
  expect(
    toCsv([
      ["name", "amount"],
      ['a "b", c', -5],
      ["=1+1", 2],
    ]),
  ).toBe('name,amount\r\n"a ""b"", c",-5\r\n\'=1+1,2');
});
