import { TextField } from "@shopify/polaris";
import { useI18n } from "@/i18n/useI18n";
import styles from "./look.module.css";

interface Props {
  label: string;
  value: string;
  onChange: (value: string) => void;
  error?: string | undefined;
  helpText: string;
}

/** A colour as `#rrggbb`: typed, or picked in the browser's own dialogue. */
export function ColourField({ label, value, onChange, error, helpText }: Props) {
  const { t } = useI18n();
  return (
    <TextField
      label={label}
      value={value}
      onChange={(text) => onChange(text.trim().toLowerCase())}
      error={error}
      helpText={helpText}
      maxLength={7}
      autoComplete="off"
      connectedLeft={
        <input
          type="color"
          className={styles.picker}
          aria-label={t("look.pick", { name: label })}
          value={isColour(value) ? value : "#000000"}
          onChange={(event) => onChange(event.target.value)}
        />
      }
    />
  );
}

export function isColour(text: string): boolean {
  return /^#[0-9a-f]{6}$/.test(text);
}
