import { shortClass } from "../words";
import styles from "./ErrorName.module.css";

/** The class of an error, and its message in at most two lines. */
export function ErrorName({ errorClass, message }: { errorClass: string; message: string }) {
  return (
    <span className={styles.error}>
      {shortClass(errorClass)}
      <span className={styles.message} title={message}>
        {message}
      </span>
    </span>
  );
}
