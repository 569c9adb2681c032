import { Icon, InlineStack, Text } from "@shopify/polaris";
import { AlertTriangleIcon, CheckCircleIcon, XCircleIcon } from "@shopify/polaris-icons";
import { useI18n } from "@/i18n/useI18n";
import type { GateCheck } from "@/lib/api/types";
import { useVersionName } from "../versionNames";
import styles from "./GateList.module.css";

const LOOKS = {
  ok: { icon: CheckCircleIcon, tone: "success" },
  ask: { icon: AlertTriangleIcon, tone: "caution" },
  stop: { icon: XCircleIcon, tone: "critical" },
} as const;

const ORDER = ["stop", "ask", "ok"];

function inWords(value: unknown): string | number {
  if (typeof value === "number") return value;
  if (Array.isArray(value)) return value.map(inWords).join(", ");
  if (typeof value === "object" && value !== null) {
    return Object.entries(value)
      .map(([name, count]) => `${name} (${inWords(count)})`)
      .join(", ");
  }
  return String(value);
}

function wordsOf(facts: GateCheck["facts"] = {}): Record<string, string | number> {
  const words = Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, inWords(value)]));
  return { count: words.recipients ?? 0, ...words };
}

function isCounts(value: unknown): value is Record<string, number> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What must hold before a message goes out: what stops it first, what asks for a look next. */
export function GateList({ checks }: { checks: readonly GateCheck[] }) {
  const { t, f } = useI18n();
  const nameOf = useVersionName();
  /** Counts by what keeps people from a message. */
  const reasonsOf = (reasons: Record<string, number>) =>
    Object.entries(reasons)
      .map(([reason, count]) => `${t.code("exclusion", reason)} (${f.number(count)})`)
      .join(", ");
  // Without a segment there is no audience to speak of.
  const hasSegment = checks.every((check) => check.code !== "segment" || check.level === "ok");
  const told = checks.filter((check) => hasSegment || check.code !== "recipients");
  const sorted = told.sort((a, b) => ORDER.indexOf(a.level) - ORDER.indexOf(b.level));
  /** Readers are counted by the tag of their language, and told by its name. */
  function namingLanguages(facts: GateCheck["facts"] = {}): GateCheck["facts"] {
    const { readers } = facts;
    if (typeof readers !== "object" || readers === null) return facts;
    const named = Object.entries(readers).map(([tag, count]) => [nameOf({ number: 0, locale: tag }), count]);
    return { ...facts, readers: Object.fromEntries(named) };
  }

  return (
    <ul className={styles.list}>
      {sorted.map((check) => {
        const look = LOOKS[check.level];
        const words = wordsOf(namingLanguages(check.facts));
        const reasons = check.facts?.reasons;
        if (isCounts(reasons)) words.reasons = reasonsOf(reasons);
        const worded = typeof check.facts?.problem === "string" ? check.facts.problem : check.level;
        const problem = words.reasons === "" ? "none" : worded;
        const plain = t.code(`gate.${check.code}`, check.level, words, t.code("gate", check.code, words));
        const said = t.code(`gate.${check.code}`, problem, words, plain);
        const { version, language } = check.facts ?? {};
        const text =
          typeof version === "number"
            ? t("gate.in_version", {
                text: said,
                version: nameOf({ number: version, locale: typeof language === "string" ? language : null }),
              })
            : said;
        return (
          <li key={check.code}>
            <InlineStack gap="200" wrap={false} blockAlign="start">
              <span>
                <Icon
                  source={look.icon}
                  tone={look.tone}
                  accessibilityLabel={t(`gate_level.${check.level}`)}
                />
              </span>
              <Text as="span" tone={check.level === "stop" ? "critical" : undefined}>
                {text}
              </Text>
            </InlineStack>
          </li>
        );
      })}
    </ul>
  );
}
