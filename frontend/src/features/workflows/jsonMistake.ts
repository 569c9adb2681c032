/** Where a text stops being JSON: engines name the place each in their own way, and some not at all. */

const SPACE = /[ \t\n\r]*/y;
const STRING = String.raw`"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"`;
const NUMBER = String.raw`-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?`;
const NAME = new RegExp(STRING, "y");
const SCALAR = new RegExp(`${STRING}|${NUMBER}|true|false|null`, "y");

type Expected = "value" | "value or ]" | "name" | "name or }" | "colon" | "comma or end" | "nothing";

/** The offset of the first character that cannot stand where it stands; the text's length when it only breaks off. */
export function offsetOfMistake(text: string): number {
  let at = 0;
  let expected: Expected = "value";
  const open: ("{" | "[")[] = [];
  const eat = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    if (!pattern.test(text)) return false;
    at = pattern.lastIndex;
    return true;
  };
  const afterValue = (): Expected => (open.length > 0 ? "comma or end" : "nothing");

  for (;;) {
    eat(SPACE);
    const char = text[at];
    if (char === undefined) return at;
    if (expected === "value" || expected === "value or ]") {
      if (char === "{" || char === "[") {
        open.push(char);
        at += 1;
        expected = char === "{" ? "name or }" : "value or ]";
      } else if (char === "]" && expected === "value or ]") {
        open.pop();
        at += 1;
        expected = afterValue();
      } else if (eat(SCALAR)) expected = afterValue();
      else return at;
    } else if (expected === "name" || expected === "name or }") {
      if (char === "}" && expected === "name or }") {
        open.pop();
        at += 1;
        expected = afterValue();
      } else if (eat(NAME)) expected = "colon";
      else return at;
    } else if (expected === "colon") {
      if (char !== ":") return at;
      at += 1;
      expected = "value";
    } else if (expected === "comma or end") {
      const inside = open[open.length - 1];
      if (char === ",") expected = inside === "{" ? "name" : "value";
      else if (char === (inside === "{" ? "}" : "]")) {
        open.pop();
        expected = afterValue();
      } else return at;
      at += 1;
    } else return at;
  }
}
