const toasts = new Map();
let lastToast = 0;

const toast = {
  show(message, options = {}) {
    const toastId = `toast-${++lastToast}`;
    toasts.set(toastId, options);
    const { duration = 5000, isError = false, action } = options;
    tell("toast.show", { toastId, message: String(message), duration, isError, action });
    return toastId;
  },
  hide(toastId) {
    tell("toast.hide", { toastId });
  },
};

on("toast.action", ({ toastId }) => toasts.get(toastId)?.onAction?.());
on("toast.gone", ({ toastId }) => {
  toasts.get(toastId)?.onDismiss?.();
  toasts.delete(toastId);
});
