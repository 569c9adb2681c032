export interface FieldProblem {
  /** JSON pointer into what was sent. */
  pointer: string;
  message: string;
  code: string;
}

/** A problem document (RFC 9457), the body of every refused call; the OpenAPI document lists successes only. */
interface Problem {
  title: string;
  detail: string;
  code: string;
  request_id: string;
  errors: FieldProblem[];
}

/** Any failed call to the API: a problem document, a foreign reply (`code` "unreadable") or no reply (`code` "network"). */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly requestId: string | null;
  readonly fields: readonly FieldProblem[];

  constructor(init: {
    status: number;
    code: string;
    title: string;
    detail?: string;
    requestId?: string | null;
    fields?: readonly FieldProblem[];
  }) {
    super(init.detail || init.title);
    this.status = init.status;
    this.code = init.code;
    this.title = init.title;
    this.requestId = init.requestId ?? null;
    this.fields = init.fields ?? [];
  }

  /** Whether the same call can succeed later without anybody changing anything. */
  get mayPass(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export async function readProblem(response: Response): Promise<ApiError> {
  const requestId = response.headers.get("x-request-id");
  try {
    const body = (await response.json()) as Partial<Problem>;
    return new ApiError({
      status: response.status,
      code: body.code ?? "unreadable",
      title: body.title ?? response.statusText,
      detail: body.detail,
      requestId: body.request_id ?? requestId,
      fields: body.errors ?? [],
    });
  } catch {
    return new ApiError({
      status: response.status,
      code: "unreadable",
      title: response.statusText,
      requestId,
    });
  }
}

export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ApiError({ status: 0, code: "unexpected", title: message });
}
