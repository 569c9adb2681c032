/** Which field a refused form's problems belong to. */
import { ApiError, type FieldProblem } from "./api/errors";

function problems(error: unknown): readonly FieldProblem[] {
  return error instanceof ApiError ? error.fields : [];
}

/** What is wrong with the field, or with anything in it. */
export function fieldError(error: unknown, pointer: string): string | undefined {
  return problems(error).find((field) => field.pointer === pointer || field.pointer.startsWith(`${pointer}/`))
    ?.message;
}

/** Whether some problem has no field on the form, so that it must be told above it. */
export function hasOtherProblem(error: unknown, pointers: readonly string[]): boolean {
  if (error == null) return false;
  const all = problems(error);
  return (
    all.length === 0 ||
    all.some(({ pointer }) => !pointers.some((known) => pointer === known || pointer.startsWith(`${known}/`)))
  );
}
