import { createContext, useContext } from "react";

/** Tells that something was done. Never the only place of an error. */
export type ShowToast = (message: string, options?: { isError?: boolean }) => void;

export const ToastContext = createContext<ShowToast>(() => {});

export function useToast(): ShowToast {
  return useContext(ToastContext);
}
